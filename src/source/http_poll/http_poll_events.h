#pragma once

#include <string_view>

#include "base/metrics.h"

namespace millrace::source {

inline constexpr Metric kPollRequests{MetricKind::kCounter,
                                      "millrace_http_poll_requests_total",
                                      "Answers of the API that a source polls, by status; 0: none came.",
                                      {"source", "status"}};
inline constexpr Metric kPollSeconds{
    MetricKind::kHistogram, "millrace_http_poll_request_seconds", "From a request to its whole answer.", {"source"}};
inline constexpr Metric kPollRepeated{
    MetricKind::kCounter,
    "millrace_http_poll_repeated_rows_total",
    "Rows that came again unchanged, from a page that moved or with the newest value of the round before, and were "
    "dropped.",
    {"source"}};

/// The API answered, or did not.
struct PollAnswered {
  std::string_view source;
  int status = 0;
  double seconds = 0;
  void Emit() const;
};

struct PollRepeated {
  std::string_view source;
  int64_t rows = 0;
  void Emit() const;
};

/// A request failed and is sent again later.
struct PollDelayed {
  std::string_view source;
  std::string_view why;
  double seconds = 0;
  void Emit() const;
};

}  // namespace millrace::source
