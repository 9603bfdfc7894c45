#pragma once

#include <string_view>

#include "base/metrics.h"
#include "refine/maintenance/maintainer.h"
#include "refine/runner.h"

namespace millrace::app {

inline constexpr Metric kMaintenanceRuns{
    MetricKind::kCounter,
    "millrace_maintenance_runs_total",
    "Looks of maintenance at a table, by outcome: worked, nothing to do, busy (another process was at it), failed.",
    {"table", "outcome"}};
inline constexpr Metric kMaintenanceSeconds{MetricKind::kHistogram, "millrace_maintenance_seconds",
                                            "How long one look of maintenance took."};
inline constexpr Metric kFilesMerged{MetricKind::kCounter,
                                     "millrace_maintenance_files_merged_total",
                                     "Small files that maintenance replaced by larger ones.",
                                     {"table"}};
inline constexpr Metric kSnapshotsExpired{MetricKind::kCounter,
                                          "millrace_maintenance_snapshots_expired_total",
                                          "Snapshots that maintenance expired.",
                                          {"table"}};
inline constexpr Metric kModelRuns{
    MetricKind::kCounter,
    "millrace_model_runs_total",
    "Runs of a model, by outcome: built, nothing (no input has changed), failed, skipped "
    "(a model below it failed).",
    {"model", "outcome"}};
inline constexpr Metric kModelRows{
    MetricKind::kCounter, "millrace_model_rows_total", "Rows that runs of a model wrote.", {"model"}};
inline constexpr Metric kModelSeconds{MetricKind::kHistogram,
                                      "millrace_model_run_seconds",
                                      "How long runs of a model that built something took.",
                                      {"model"}};
inline constexpr Metric kModelLastRun{MetricKind::kGauge,
                                      "millrace_model_last_run_success",
                                      "1 when the last run of a model built its table or found nothing new, 0 when it "
                                      "failed or was left out because a model below it failed.",
                                      {"model"}};
inline constexpr Metric kModelLastRunSeconds{MetricKind::kGauge,
                                             "millrace_model_last_run_seconds",
                                             "How long the last run of a model took that built something or failed.",
                                             {"model"}};
inline constexpr Metric kModelLastRunRows{MetricKind::kGauge,
                                          "millrace_model_last_run_rows",
                                          "Rows that the last run of a model wrote that built something.",
                                          {"model"}};
inline constexpr Metric kModelRowsQuarantined{MetricKind::kCounter,
                                              "millrace_model_rows_quarantined_total",
                                              "Rows of a model that went into its quarantine.",
                                              {"model"}};
inline constexpr Metric kModelRowsLate{MetricKind::kCounter,
                                       "millrace_model_late_rows_total",
                                       "Rows that came after the watermark of a model had closed their partition.",
                                       {"model"}};
inline constexpr Metric kModelWatermark{MetricKind::kGauge,
                                        "millrace_model_watermark_timestamp_seconds",
                                        "The watermark of a model after its last run, in seconds since 1970: what ends "
                                        "at or before it is closed.",
                                        {"model"}};
inline constexpr Metric kExpectationViolations{
    MetricKind::kCounter,
    "millrace_model_expectation_violations_total",
    "Rows that did not meet an expectation of a model, by what the expectation says: warn, drop, quarantine, fail.",
    {"model", "severity"}};
inline constexpr Metric kExpectationsBroken{
    MetricKind::kGauge,
    "millrace_model_expectations_broken",
    "Expectations that the last run of a model which checked them found broken, by what they say: warn, drop, "
    "quarantine, fail.",
    {"model", "severity"}};
inline constexpr Metric kStreamTrimmedBytes{MetricKind::kCounter, "millrace_stream_trimmed_bytes_total",
                                            "Bytes of the stream that retention dropped."};

/// Maintenance has looked at a table.
struct TableMaintained {
  const refine::MaintenanceReport& report;
  double seconds = 0;
  bool stopped = false;  // what failed then is no failure
  void Emit() const;
};

/// A model's turn is over. What people are told of it goes to stderr by Refinery.
struct ModelTurned {
  const refine::RunReport& report;
  void Emit() const;
};

/// Retention dropped old events.
struct StreamTrimmed {
  int64_t bytes = 0;
  void Emit() const;
};

}  // namespace millrace::app
