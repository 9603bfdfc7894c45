#include "io/http_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/log.h"

namespace millrace::io {
namespace {

/// Methods are the client's words: those nobody serves make one series.
std::string_view Known(std::string_view method) {
  constexpr std::array<std::string_view, 7> kMethods = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
  return std::ranges::find(kMethods, method) == kMethods.end() ? "other" : method;
}

}  // namespace

void HttpServed::Emit() const {
  auto& metrics = Metrics::Process();
  metrics.Add(kHttpRequests, {route, Known(method), std::to_string(status)});
  metrics.Observe(kHttpRequestSeconds, {route}, seconds);
  LogDebug("http: {} {} {}: {} in {:.3f} s", peer, method, path, status, seconds);
}

std::string_view ToString(HttpEndCause cause) {
  switch (cause) {
    case HttpEndCause::kTooMany:
      return "too_many";
    case HttpEndCause::kMadeRoom:
      return "made_room";
    case HttpEndCause::kTimeout:
      return "timeout";
    case HttpEndCause::kMalformed:
      return "malformed";
    case HttpEndCause::kTls:
      return "tls";
  }
  return "malformed";
}

void HttpConnectionEnded::Emit() const {
  Metrics::Process().Add(kHttpConnectionsEnded, {ToString(cause)});
  LogDebug("http: {}: connection ended: {}", peer, ToString(cause));
}

}  // namespace millrace::io
