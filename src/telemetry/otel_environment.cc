#include "telemetry/otel_environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/split.h"

namespace millrace::telemetry {
namespace {

[[noreturn]] void Refuse(std::string_view variable, const std::string& why) {
  throw Error(ErrorCode::kConfig, fmt::format("{}: {}", variable, why));
}

/// Set, and not empty: the specification takes the two for the same.
std::optional<std::string> Given(const GetVariable& get, const std::string& name) {
  auto value = get(name);
  return value && !value->empty() ? value : std::nullopt;
}

/// The variable of traces alone, then that of all signals.
std::optional<std::string> OfTraces(const GetVariable& get, const std::string& rest) {
  auto value = Given(get, "OTEL_EXPORTER_OTLP_TRACES_" + rest);
  return value ? value : Given(get, "OTEL_EXPORTER_OTLP_" + rest);
}

template <typename T>
T NumberOf(const std::string& name, const std::string& text, T least, T most) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= least && number <= most))
    Refuse(name, fmt::format("expected a number from {} to {}, not '{}'", least, most, text));
  return number;
}

int64_t NumberOr(const GetVariable& get, const std::string& name, int64_t otherwise) {
  const auto value = Given(get, name);
  return value ? NumberOf<int64_t>(name, *value, 1, 10'000'000) : otherwise;
}

std::string Decoded(std::string_view text) {
  std::string decoded;
  for (size_t at = 0; at < text.size(); ++at) {
    unsigned byte = 0;
    const auto digits = text.substr(at, 3);
    if (digits.size() == 3 && digits[0] == '%' &&
        std::from_chars(digits.data() + 1, digits.data() + 3, byte, 16).ptr == digits.data() + 3) {
      decoded += static_cast<char>(byte);
      at += 2;
    } else {
      decoded += text[at];
    }
  }
  return decoded;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// "key=value,key=value", values percent-encoded. What is wrong is named by its place: it may be a secret.
std::vector<std::pair<std::string, std::string>> PairsOf(const std::string& name, const std::string& text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& part : SplitByCommas(text)) {
    const auto equals = part.find('=');
    if (equals == std::string::npos || equals == 0)
      Refuse(name, fmt::format("entry {} is not key=value", pairs.size() + 1));
    pairs.emplace_back(Trimmed(std::string_view(part).substr(0, equals)),
                       Decoded(Trimmed(std::string_view(part).substr(equals + 1))));
  }
  return pairs;
}

std::vector<io::HttpHeader> HeadersOf(const GetVariable& get) {
  const bool own = Given(get, "OTEL_EXPORTER_OTLP_TRACES_HEADERS").has_value();
  const std::string name = own ? "OTEL_EXPORTER_OTLP_TRACES_HEADERS" : "OTEL_EXPORTER_OTLP_HEADERS";
  std::vector<io::HttpHeader> headers;
  for (auto& [key, value] : PairsOf(name, Given(get, name).value_or(""))) {
    const auto controls = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
    if (std::ranges::any_of(key, controls) || std::ranges::any_of(value, controls))
      Refuse(name, fmt::format("entry {} holds a control character", headers.size() + 1));
    headers.push_back({key, value});
  }
  return headers;
}

std::string UrlOf(const GetVariable& get) {
  const auto own = Given(get, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  auto url = own ? own : Given(get, "OTEL_EXPORTER_OTLP_ENDPOINT");
  if (!url) return {};
  if (!url->starts_with("http://") && !url->starts_with("https://")) {
    Refuse(own ? "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" : "OTEL_EXPORTER_OTLP_ENDPOINT",
           "expected an http:// or https:// address, such as http://localhost:4318");
  }
  if (own) return *own;
  while (url->ends_with('/')) url->pop_back();
  return *url + "/v1/traces";
}

std::string SamplerOf(const GetVariable& get) {
  return Given(get, "OTEL_TRACES_SAMPLER").value_or("parentbased_always_on");
}

bool IsParentBased(const std::string& sampler) { return sampler.starts_with("parentbased_"); }

/// The part of traces that are kept of those that begin here.
double RatioOf(const GetVariable& get) {
  auto sampler = SamplerOf(get);
  if (IsParentBased(sampler)) sampler.erase(0, std::string_view("parentbased_").size());
  if (sampler == "always_on") return 1;
  if (sampler == "always_off") return 0;
  if (sampler != "traceidratio") {
    Refuse("OTEL_TRACES_SAMPLER",
           fmt::format("there is no sampler '{}' here; always_on, always_off, traceidratio, and the same with "
                       "parentbased_ before it, are",
                       sampler));
  }
  const auto share = Given(get, "OTEL_TRACES_SAMPLER_ARG");
  return share ? NumberOf<double>("OTEL_TRACES_SAMPLER_ARG", *share, 0, 1) : 1;
}

}  // namespace

GetVariable ProcessVariables() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

std::optional<TraceOptions> ReadTraceOptions(const GetVariable& get) {
  if (Given(get, "OTEL_SDK_DISABLED").value_or("") == "true") return std::nullopt;
  const auto exporter = Given(get, "OTEL_TRACES_EXPORTER").value_or("otlp");
  if (exporter == "none") return std::nullopt;
  TraceOptions options;
  options.url = UrlOf(get);
  if (options.url.empty()) return std::nullopt;
  if (exporter != "otlp") Refuse("OTEL_TRACES_EXPORTER", fmt::format("otlp and none are there, not '{}'", exporter));
  if (const auto protocol = OfTraces(get, "PROTOCOL"); protocol && *protocol != "http/protobuf") {
    Refuse("OTEL_EXPORTER_OTLP_PROTOCOL",
           fmt::format("http/protobuf is spoken here, not '{}'; collectors take it at port 4318", *protocol));
  }
  options.ratio = RatioOf(get);
  options.parent_based = IsParentBased(SamplerOf(get));
  if (options.ratio == 0 && !options.parent_based) return std::nullopt;
  options.headers = HeadersOf(get);
  options.ca_file = OfTraces(get, "CERTIFICATE").value_or("");
  if (const auto timeout = OfTraces(get, "TIMEOUT"))
    options.timeout = std::chrono::milliseconds(NumberOf<int64_t>("OTEL_EXPORTER_OTLP_TIMEOUT", *timeout, 1, 600'000));
  options.resource["service.name"] = "millrace";
  for (auto& [key, value] : PairsOf("OTEL_RESOURCE_ATTRIBUTES", Given(get, "OTEL_RESOURCE_ATTRIBUTES").value_or("")))
    options.resource[key] = std::move(value);
  if (auto name = Given(get, "OTEL_SERVICE_NAME")) options.resource["service.name"] = std::move(*name);
  options.queue_max = static_cast<size_t>(NumberOr(get, "OTEL_BSP_MAX_QUEUE_SIZE", 2048));
  options.batch_max =
      std::min(options.queue_max, static_cast<size_t>(NumberOr(get, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)));
  options.delay = std::chrono::milliseconds(NumberOr(get, "OTEL_BSP_SCHEDULE_DELAY", 5000));
  return options;
}

}  // namespace millrace::telemetry
