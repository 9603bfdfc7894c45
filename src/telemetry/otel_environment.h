#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/http_header.h"
#include "telemetry/otlp.h"

namespace millrace::telemetry {

/// How traces leave the process, as OpenTelemetry's environment variables say (specification 1: "OpenTelemetry
/// Environment Variable Specification" and "OpenTelemetry Protocol Exporter").
struct TraceOptions {
  std::string url;  // of the collector, with its path
  std::vector<io::HttpHeader> headers;
  std::string ca_file;  // empty: the system's
  std::chrono::milliseconds timeout{10'000};
  double ratio = 1;  // of traces that are kept
  /// Where a trace began elsewhere, that place decides.
  bool parent_based = true;
  Resource resource;
  size_t queue_max = 2048;
  size_t batch_max = 512;
  std::chrono::milliseconds delay{5000};
};

/// The value of a variable; nullopt where it is not set.
using GetVariable = std::function<std::optional<std::string>(const std::string& name)>;
GetVariable ProcessVariables();

/// nullopt when they do not ask for traces: no endpoint, OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER=none, or a sampler
/// that is always off. Error kConfig, with the variable's name and never the value of a header, for what cannot be read
/// or is not spoken here.
std::optional<TraceOptions> ReadTraceOptions(const GetVariable& get);

}  // namespace millrace::telemetry
