#include "app/work_events.h"

#include "app/housekeeper.h"
#include "base/log.h"

namespace millrace::app {
namespace {

std::string_view OutcomeOf(const refine::MaintenanceReport& report) {
  if (!report.why_failed.empty()) return "failed";
  if (report.busy) return "busy";
  return report.did_something() ? "worked" : "nothing";
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
  auto& metrics = Metrics::Process();
  const auto model = catalog::ToString(report.model);
  metrics.Add(kModelRuns, {model, ToString(report.outcome)});
  metrics.Add(kModelRows, {model}, static_cast<double>(report.rows));
  if (report.outcome == refine::RunReport::Outcome::kBuilt) metrics.Observe(kModelSeconds, {model}, report.seconds);
  for (const auto& expectation : report.expectations) {
    metrics.Add(kExpectationViolations, {model}, static_cast<double>(expectation.violations));
  }
  LogDebug("model {}: {} in {:.3f} s", model, ToString(report.outcome), report.seconds);
}

void StreamTrimmed::Emit() const {
  Metrics::Process().Add(kStreamTrimmedBytes, {}, static_cast<double>(bytes));
  if (bytes > 0) LogDebug("retention freed {} bytes of the stream", bytes);
}

}  // namespace millrace::app
