#pragma once

#include <cstddef>
#include <string_view>

#include "base/metrics.h"

namespace millrace::telemetry {

inline constexpr Metric kSpansExported{MetricKind::kCounter, "millrace_spans_exported_total",
                                       "Spans that an OpenTelemetry collector took."};
inline constexpr Metric kSpansDropped{MetricKind::kCounter,
                                      "millrace_spans_dropped_total",
                                      "Spans that nobody has, by cause: queue_full, refused (the collector said no), "
                                      "unreachable (it gave no answer, or asked for patience too often).",
                                      {"cause"}};
inline constexpr Metric kLineageSent{MetricKind::kCounter, "millrace_lineage_events_sent_total",
                                     "OpenLineage events that their receiver, or the file, has."};
inline constexpr Metric kLineageDropped{
    MetricKind::kCounter,
    "millrace_lineage_events_dropped_total",
    "OpenLineage events that nobody has, by cause, as of millrace_spans_dropped_total.",
    {"cause"}};

/// What leaves the process.
enum class Kind { kSpans, kLineage };

/// Why something that others were to be told was lost.
enum class Loss { kQueueFull, kRefused, kUnreachable };
std::string_view ToString(Loss loss);

/// Makes the series show, at zero.
struct ExportStarted {
  Kind kind = Kind::kSpans;
  void Emit() const;
};

struct Exported {
  Kind kind = Kind::kSpans;
  size_t count = 0;
  void Emit() const;
};

/// Said in the log when it begins: `first` of those that follow each other.
struct Dropped {
  Kind kind = Kind::kSpans;
  size_t count = 0;
  Loss loss = Loss::kQueueFull;
  std::string_view why;
  bool first = false;
  void Emit() const;
};

}  // namespace millrace::telemetry
