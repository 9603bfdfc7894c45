#pragma once

#include <string_view>

#include "base/metrics.h"

namespace millrace::io {

inline constexpr Metric kObjectStoreRequests{
    MetricKind::kCounter,
    "millrace_object_store_requests_total",
    "Requests to the bucket, each attempt by itself, by verb (LIST is told from GET) and HTTP status; none: no answer "
    "came.",
    {"verb", "status"}};
inline constexpr Metric kObjectStoreSeconds{MetricKind::kHistogram,
                                            "millrace_object_store_request_seconds",
                                            "How long one attempt of a request to the bucket took.",
                                            {"verb"}};
inline constexpr Metric kObjectStoreRetries{MetricKind::kCounter,
                                            "millrace_object_store_retries_total",
                                            "Attempts after the first of a request to the bucket.",
                                            {"verb"}};

/// One attempt of a request to a bucket came to its end.
struct ObjectStoreAnswered {
  std::string_view verb;
  int status = 0;  // 0: no answer
  double seconds = 0;
  int attempt = 1;
  void Emit() const;
};

}  // namespace millrace::io
