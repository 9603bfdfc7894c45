#pragma once

#include "base/metrics.h"

namespace millrace::app {

// The names that every program under Prometheus has for these.
inline constexpr Metric kProcessCpu{MetricKind::kCounter, "process_cpu_seconds_total",
                                    "User and system CPU time of the process."};
inline constexpr Metric kProcessResident{MetricKind::kGauge, "process_resident_memory_bytes",
                                         "Resident memory of the process."};
inline constexpr Metric kProcessVirtual{MetricKind::kGauge, "process_virtual_memory_bytes",
                                        "Virtual memory of the process."};
inline constexpr Metric kProcessFiles{MetricKind::kGauge, "process_open_fds", "File descriptors that are open."};
inline constexpr Metric kProcessFilesMax{MetricKind::kGauge, "process_max_fds", "File descriptors that may be open."};
inline constexpr Metric kProcessStart{MetricKind::kGauge, "process_start_time_seconds",
                                      "When the process started, in Unix time."};
inline constexpr Metric kProcessThreads{MetricKind::kGauge, "process_threads", "Threads of the process."};

/// Reads /proc/self; what cannot be read is left as it was.
void SetProcessGauges();

}  // namespace millrace::app
