#pragma once

#include <string_view>

#include "base/metrics.h"

namespace millrace::io {

inline constexpr Metric kHttpRequests{MetricKind::kCounter,
                                      "millrace_http_requests_total",
                                      "Requests that the HTTP server answered.",
                                      {"route", "method", "status"}};
inline constexpr Metric kHttpRequestSeconds{
    MetricKind::kHistogram, "millrace_http_request_seconds", "From the header to the end of the answer.", {"route"}};
inline constexpr Metric kHttpConnectionsEnded{MetricKind::kCounter,
                                              "millrace_http_connections_ended_total",
                                              "Connections that the HTTP server ended early, by cause.",
                                              {"cause"}};
inline constexpr Metric kHttpConnections{MetricKind::kGauge, "millrace_http_connections",
                                         "Connections that are open to the HTTP server."};

/// A request was answered. The route is its pattern, so that paths make no series.
struct HttpServed {
  std::string_view route;
  std::string_view method;
  std::string_view path;  // for the log only; without the query, which may hold what is secret
  std::string_view peer;
  int status = 0;
  double seconds = 0;
  void Emit() const;
};

enum class HttpEndCause {
  kTooMany,    // every connection was busy
  kMadeRoom,   // waited longest for a request when the connections were used up
  kTimeout,    // a header or body did not come in time, or an answer was not taken
  kMalformed,  // not HTTP
  kTls,        // no handshake
};
std::string_view ToString(HttpEndCause cause);

struct HttpConnectionEnded {
  HttpEndCause cause;
  std::string_view peer;
  void Emit() const;
};

}  // namespace millrace::io
