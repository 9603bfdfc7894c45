#include "app/connect_client.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "app/load_config.h"
#include "app/run_status.h"
#include "base/error.h"
#include "schema/json_object.h"

namespace millrace::app {
namespace {

/// A connector may take a while to come to its end.
constexpr std::chrono::seconds kPatience{60};
constexpr const char* kToken = "MILLRACE_TOKEN";

/// Where the process said that it can be asked.
std::string UrlOf(const Session& session) {
  const auto pipeline = LoadConfigOrDefaults(session.config_paths);
  const auto status = ReadRunStatus(std::filesystem::path(pipeline.data_dir.value) / "status.json");
  if (status && status->contains("server") && !status->contains("ended"))
    return status->at("server").get<std::string>();
  throw Error(ErrorCode::kUnavailable,
              fmt::format("no process with a `server:` runs this pipeline (data in {}); start `millrace run`, or say "
                          "where one is: --url http://127.0.0.1:8080",
                          pipeline.data_dir.value));
}

}  // namespace

void AddWorkerOptions(CLI::App& verb, WorkerPlace& place) {
  verb.add_option("--url", place.url, "Where the worker is; without it, the process that runs the pipeline");
  verb.add_option("--cacert", place.ca_file, "Who signed its certificate, a PEM file; without it, the system's list")
      ->type_name("FILE");
}

ConnectClient::ConnectClient(const Session& session, WorkerPlace place)
    : url_(std::move(place.url)), client_(io::HttpClient::Options{.ca_file = place.ca_file}) {
  if (url_.empty()) url_ = UrlOf(session);
  while (url_.ends_with('/')) url_.pop_back();
  if (!url_.starts_with("http://") && !url_.starts_with("https://")) {
    throw Error(ErrorCode::kUsage, fmt::format("--url takes an http:// or https:// address, not '{}'", url_));
  }
}

nlohmann::ordered_json ConnectClient::Ask(const std::string& method, const std::string& path,
                                          const std::optional<nlohmann::ordered_json>& body, std::stop_token stop) {
  const auto text = body ? body->dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) : std::string();
  io::HttpRequest request;
  request.method = method;
  request.url = url_ + path;
  request.timeout = kPatience;
  request.headers = {{"Accept", "application/json"}};
  if (body) request.headers.push_back({"Content-Type", "application/json"});
  if (const char* token = std::getenv(kToken))
    request.headers.push_back({"Authorization", fmt::format("Bearer {}", token)});
  request.body = text;
  const auto answer = client_.Send(request, std::move(stop));
  auto said = nlohmann::ordered_json::parse(answer.body, nullptr, false);
  if (answer.status < 300) return said.is_discarded() ? nlohmann::ordered_json() : said;
  const auto message = said.is_object() && said.contains("message") && said["message"].is_string()
                           ? said["message"].get<std::string>()
                           : answer.body.substr(0, 200);
  throw Error(answer.status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kUsage,
              fmt::format("{} answers {}: {}", url_, answer.status, message));
}

}  // namespace millrace::app
