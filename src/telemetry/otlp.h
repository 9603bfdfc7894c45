#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/trace.h"

namespace millrace::telemetry {

/// What every span is said to come from: attributes of the resource, "service.name" among them.
using Resource = std::map<std::string, std::string>;

/// ExportTraceServiceRequest of OTLP, protobuf-encoded. Text that is no UTF-8 is mended.
std::string EncodeTraces(std::span<const Span> spans, const Resource& resource, std::string_view version);

/// How many spans an ExportTraceServiceResponse says were refused; 0 for what is none.
int64_t RejectedSpans(std::string_view response);

}  // namespace millrace::telemetry
