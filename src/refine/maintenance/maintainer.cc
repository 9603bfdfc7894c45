#include "refine/maintenance/maintainer.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "base/log.h"
#include "refine/maintenance/located_deletes.h"
#include "refine/maintenance/table_lock.h"
#include "table/table_property.h"

namespace millrace::refine {
namespace {

/// Of a thread that competes for one core: about a tenth of it.
constexpr int kNiceness = 10;

/// Of tables that others made, or that were made before this was set at once. What somebody set is kept.
void LetOldMetadataGo(catalog::Catalog& catalog, const catalog::LoadedTable& table) {
  if (table.metadata->properties.contains(table::kDeleteOldMetadata)) return;
  catalog.Commit(table.name, {table::AssertTableUuid{table.metadata->table_uuid}},
                 {table::SetProperties{{{table::kDeleteOldMetadata, "true"}}}});
}

}  // namespace

void YieldToOthers() {
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  if (::setpriority(PRIO_PROCESS, thread, kNiceness) != 0) LogDebug("the priority of maintenance stays as it is");
}

Maintainer::Maintainer(catalog::Catalog& catalog, ByteBudget& budget, std::filesystem::path folder, const Clock& clock)
    : catalog_(catalog), budget_(budget), folder_(std::move(folder)), clock_(clock) {
  std::filesystem::create_directories(folder_);
}

MaintenanceReport Maintainer::Maintain(const catalog::TableName& name, const MaintenanceRules& rules,
                                       const std::stop_token& stop) {
  MaintenanceReport report;
  report.table = name;
  try {
    WithContext("maintenance of " + catalog::ToString(name), [&] {
      const auto table = catalog_.Load(name);
      if (!table) return;
      const auto lock = TableLock::TryTake(folder_ / (table->metadata->table_uuid + ".lock"));
      report.busy = !lock;
      if (lock) Steps(*table, rules, stop, report);
    });
  } catch (const Error& error) {
    report.why_failed = error.what();
    report.error = error.code();
  }
  return report;
}

void Maintainer::Steps(const catalog::LoadedTable& table, const MaintenanceRules& rules, const std::stop_token& stop,
                       MaintenanceReport& report) {
  const auto& uuid = table.metadata->table_uuid;
  const MaintenanceParts parts{
      .catalog = catalog_, .budget = budget_, .clock = clock_, .scratch_folder = folder_, .stop = stop};
  if (rules.compact) {
    // First, so that it is known how much of a file is deleted.
    report.deletes = LocateDeletes(parts, table, rules.compaction, rules.dry_run);
    const auto located = report.deletes.files_removed > 0 ? catalog_.Load(table.name) : table;
    if (!located) return;
    report.compaction = Compact(parts, *located, rules.compaction, rules.dry_run);
    const auto now = catalog_.Load(table.name);
    if (now && !stop.stop_requested()) {
      const auto merged = MergeDeletes(parts, *now, rules.compaction, rules.dry_run);
      report.deletes.files_removed += merged.files_removed;
      report.deletes.files_added += merged.files_added;
    }
  } else {
    report.compaction.before = MeasureShape(catalog_.store(), *table.metadata, rules.compaction);
  }
  if (stop.stop_requested()) return;
  if (!rules.dry_run) {
    LetOldMetadataGo(catalog_, table);
    if (const auto now = catalog_.Load(table.name)) {
      report.manifests_fewer = MergeManifestsOf(parts, *now, rules.manifests_max);
    }
  }
  const DeletionJournal journal(folder_ / (uuid + ".deleting"));
  const auto snapshots = static_cast<int64_t>(table.metadata->snapshots.size());
  if (rules.snapshots_slack == 0 || snapshots > rules.expiry.snapshots_max.value_or(0) + rules.snapshots_slack) {
    table::ExpiryRules expiry = rules.expiry;
    expiry.needed = SnapshotsThatModelsNeed(catalog_, uuid);
    report.expiry = ExpireSnapshots(catalog_, table.name, expiry, rules.dry_run, journal, clock_, stop);
  }
  if (rules.orphans_older_than && !stop.stop_requested()) {
    report.orphans = RemoveOrphans(catalog_, table.name, *rules.orphans_older_than, rules.dry_run,
                                   folder_ / (uuid + ".orphans"), clock_);
  }
}

}  // namespace millrace::refine
