#pragma once

#include <string_view>

#include "base/metrics.h"

namespace millrace::catalog {

inline constexpr Metric kCatalogRequests{
    MetricKind::kCounter,
    "millrace_catalog_requests_total",
    "Requests to a REST catalogue by method and HTTP status; none: no answer came.",
    {"method", "status"}};
inline constexpr Metric kCatalogSeconds{MetricKind::kHistogram,
                                        "millrace_catalog_request_seconds",
                                        "How long one request to a REST catalogue took.",
                                        {"method"}};

/// A request to the catalogue came to its end.
struct CatalogAnswered {
  std::string_view method;
  int status = 0;  // 0: no answer
  double seconds = 0;
  void Emit() const;
};

}  // namespace millrace::catalog
