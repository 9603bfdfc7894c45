#pragma once

#include <cstdint>
#include <string_view>

#include "base/metrics.h"

namespace millrace::source {

inline constexpr Metric kIngestEvents{
    MetricKind::kCounter,
    "millrace_http_ingest_events_total",
    "Events that came over HTTP and were acknowledged: they are durable in their topic.",
    {"source", "topic"}};
inline constexpr Metric kIngestBytes{
    MetricKind::kCounter, "millrace_http_ingest_bytes_total", "Bytes of these events, unpacked.", {"source", "topic"}};
inline constexpr Metric kIngestDuplicates{
    MetricKind::kCounter,
    "millrace_http_ingest_duplicates_total",
    "Requests whose Idempotency-Key had been stored already: acknowledged, and nothing appended.",
    {"source", "topic"}};
inline constexpr Metric kIngestRefused{
    MetricKind::kCounter,
    "millrace_http_ingest_refused_total",
    "Requests that were told to come again (pressure: no room in the memory budget; closed: the intake has ended).",
    {"source", "cause"}};

/// A request's events are durable, or were before.
struct IngestTaken {
  std::string_view source;
  std::string_view topic;
  uint64_t events = 0;
  uint64_t bytes = 0;
  bool duplicate = false;
  void Emit() const;
};

enum class IngestRefusal { kPressure, kClosed };
std::string_view ToString(IngestRefusal cause);

struct IngestRefused {
  std::string_view source;
  IngestRefusal cause;
  void Emit() const;
};

}  // namespace millrace::source
