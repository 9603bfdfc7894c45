#pragma once

#include <optional>
#include <string_view>

#include "base/trace.h"
#include "io/http_call.h"

namespace millrace::io {

/// The span of a request, named and described as OpenTelemetry's conventions for HTTP have it (stable since 1.23); the
/// query is left out, as it may hold what is secret. nullopt while nothing is traced, when this one is not sampled, and
/// of routes that answer anyone: probes and the page's files. The caller's `traceparent` is heeded unless the guard
/// refused the request: who may not come in decides nothing.
std::optional<Span> BeginHttpSpan(const HttpCall& call, std::string_view protocol_version);
/// The answer is out.
void EndHttpSpan(Span span, int status);

}  // namespace millrace::io
