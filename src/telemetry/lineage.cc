#include "telemetry/lineage.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <utility>

#include "base/error.h"

namespace millrace::telemetry {
namespace {

std::atomic<Lineage*> process = nullptr;

constexpr size_t kEventsMax = 1000;
constexpr size_t kBatchMax = 100;
constexpr std::chrono::milliseconds kDelay{100};

std::string Given(const GetVariable& get, const std::string& name) { return get(name).value_or(""); }

std::string UrlOf(const GetVariable& get) {
  auto url = Given(get, "OPENLINEAGE_URL");
  if (url.empty()) return url;
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    throw Error(ErrorCode::kConfig, "OPENLINEAGE_URL: expected an http:// or https:// address");
  while (url.ends_with('/')) url.pop_back();
  auto path = Given(get, "OPENLINEAGE_ENDPOINT");
  while (path.starts_with('/')) path.erase(0, 1);
  return url + "/" + (path.empty() ? "api/v1/lineage" : path);
}

std::string FileOf(const GetVariable& get) {
  const auto type = Given(get, "OPENLINEAGE__TRANSPORT__TYPE");
  if (type.empty() || type == "http") return {};
  if (type != "file") {
    throw Error(ErrorCode::kConfig,
                fmt::format("OPENLINEAGE__TRANSPORT__TYPE: http and file are there, not '{}'", type));
  }
  auto file = Given(get, "OPENLINEAGE__TRANSPORT__LOG_FILE_PATH");
  if (file.empty())
    throw Error(ErrorCode::kConfig, "OPENLINEAGE__TRANSPORT__LOG_FILE_PATH: it says which file, and is missing");
  return file;
}

}  // namespace

std::optional<LineageOptions> ReadLineageOptions(const GetVariable& get) {
  if (Given(get, "OPENLINEAGE_DISABLED") == "true") return std::nullopt;
  LineageOptions options;
  options.file = FileOf(get);
  if (options.file.empty()) options.http.url = UrlOf(get);
  if (options.file.empty() && options.http.url.empty()) return std::nullopt;
  options.http.ca_file = Given(get, "OPENLINEAGE_CA_FILE");
  const auto key = Given(get, "OPENLINEAGE_API_KEY");
  if (std::ranges::any_of(key, [](unsigned char c) { return c < 0x20 || c == 0x7F; }))
    throw Error(ErrorCode::kConfig, "OPENLINEAGE_API_KEY: it holds a control character");
  if (!key.empty()) options.http.headers.push_back({"Authorization", "Bearer " + key});
  options.job_namespace = Given(get, "OPENLINEAGE_NAMESPACE");
  return options;
}

Lineage::Lineage(LineageOptions options, std::string version)
    : options_(std::move(options)),
      version_(std::move(version)),
      poster_(Kind::kLineage, options_.http),
      outbox_({.items_max = kEventsMax, .batch_max = kBatchMax, .delay = kDelay},
              [this](const std::vector<std::string>& events, const std::stop_token& stop) { Send(events, stop); }) {
  process = this;
}

Lineage::~Lineage() { process = nullptr; }

std::unique_ptr<Lineage> Lineage::Make(const GetVariable& get, const std::string& pipeline,
                                       const std::string& topic_namespace, const std::string& version) {
  auto options = ReadLineageOptions(get);
  if (!options) return nullptr;
  if (options->job_namespace.empty()) options->job_namespace = pipeline;
  options->topic_namespace = topic_namespace;
  return std::make_unique<Lineage>(std::move(*options), version);
}

Lineage* Lineage::Process() { return process; }

void Lineage::Tell(const LineageEvent& event) noexcept {
  if (!outbox_.Put(ToJson(event, options_.job_namespace, version_)))
    poster_.Drop(1, Loss::kQueueFull, "they come faster than they are taken");
}

void Lineage::Send(const std::vector<std::string>& events, const std::stop_token& stop) {
  if (!options_.file.empty()) return Append(events);
  for (const auto& event : events) {
    if (poster_.Post(event, "application/json", 1, stop)) poster_.Took(1);
  }
}

void Lineage::Append(const std::vector<std::string>& events) {
  std::ofstream file(options_.file, std::ios::app);
  for (const auto& event : events) file << event << "\n";
  file.flush();
  if (file) return poster_.Took(events.size());
  poster_.Drop(events.size(), Loss::kUnreachable, options_.file + " cannot be written");
}

}  // namespace millrace::telemetry
