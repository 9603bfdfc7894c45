#include "app/work_events.h"

#include <chrono>
#include <map>
#include <utility>

#include "app/housekeeper.h"
#include "base/log.h"
#include "base/trace.h"

namespace millrace::app {
namespace {

std::string_view OutcomeOf(const refine::MaintenanceReport& report) {
  if (!report.why_failed.empty()) return "failed";
  if (report.busy) return "busy";
  return report.did_something() ? "worked" : "nothing";
}

/// A run that found nothing to do is none.
void TraceRun(const refine::RunReport& report) {
  using Outcome = refine::RunReport::Outcome;
  if (report.outcome != Outcome::kBuilt && report.outcome != Outcome::kFailed) return;
  const auto context = Tracing::Begin();
  if (!context) return;
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::duration<double>(report.seconds));
  Span span{.context = *context, .name = "model", .begin = report.began, .end = report.began + took};
  span.attributes = {{"millrace.model", catalog::ToString(report.model)},
                     {"millrace.outcome", std::string(ToString(report.outcome))},
                     {"millrace.rows", report.rows},
                     {"millrace.files", report.files},
                     {"millrace.bytes", report.bytes},
                     {"millrace.full_refresh", report.full_refresh},
                     {"millrace.rows_quarantined", report.rows_quarantined}};
  if (report.snapshot_id) span.attributes.emplace_back("millrace.snapshot_id", report.snapshot_id->value());
  if (report.outcome == Outcome::kFailed) span.error = report.why;
  Tracing::End(std::move(span));
}

}  // namespace

void TableMaintained::Emit() const {
  auto& metrics = Metrics::Process();
  const auto table = catalog::ToString(report.table);
  if (!report.why_failed.empty() && stopped) return;
  metrics.Add(kMaintenanceRuns, {table, OutcomeOf(report)});
  metrics.Observe(kMaintenanceSeconds, {}, seconds);
  metrics.Add(kFilesMerged, {table}, static_cast<double>(report.compaction.files_removed));
  metrics.Add(kSnapshotsExpired, {table}, static_cast<double>(report.expiry.snapshots));
  if (!report.why_failed.empty()) LogWarning("{}", report.why_failed);
  if (const auto said = Describe(report); !said.empty()) LogInfo("{}", said);
}

void ModelTurned::Emit() const {
  TraceRun(report);
  auto& metrics = Metrics::Process();
  const auto model = catalog::ToString(report.model);
  metrics.Add(kModelRuns, {model, ToString(report.outcome)});
  metrics.Add(kModelRows, {model}, static_cast<double>(report.rows));
  if (report.outcome == refine::RunReport::Outcome::kBuilt) metrics.Observe(kModelSeconds, {model}, report.seconds);
  using Outcome = refine::RunReport::Outcome;
  const bool failed = report.outcome == Outcome::kFailed || report.outcome == Outcome::kSkipped;
  metrics.Set(kModelLastRun, {model}, failed ? 0 : 1);
  metrics.Add(kModelRowsQuarantined, {model}, static_cast<double>(report.rows_quarantined));
  if (report.outcome == Outcome::kBuilt && report.watermark) {
    metrics.Add(kModelRowsLate, {model}, static_cast<double>(report.rows_late));
    metrics.Set(kModelWatermark, {model}, std::chrono::duration<double>(report.watermark->time_since_epoch()).count());
  }
  if (report.outcome == Outcome::kBuilt || report.outcome == Outcome::kFailed)
    metrics.Set(kModelLastRunSeconds, {model}, report.seconds);
  if (report.outcome == Outcome::kBuilt) metrics.Set(kModelLastRunRows, {model}, static_cast<double>(report.rows));
  std::map<std::string, double> broken;
  for (const auto& expectation : report.expectations) {
    metrics.Add(kExpectationViolations, {model, expectation.severity}, static_cast<double>(expectation.violations));
    broken[expectation.severity] += expectation.met ? 0 : 1;
  }
  for (const auto& [severity, count] : broken) metrics.Set(kExpectationsBroken, {model, severity}, count);
  LogDebug("model {}: {} in {:.3f} s", model, ToString(report.outcome), report.seconds);
}

void StreamTrimmed::Emit() const {
  Metrics::Process().Add(kStreamTrimmedBytes, {}, static_cast<double>(bytes));
  if (bytes > 0) LogDebug("retention freed {} bytes of the stream", bytes);
}

}  // namespace millrace::app
