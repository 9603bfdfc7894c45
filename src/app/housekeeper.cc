#include "app/housekeeper.h"

#include <fmt/format.h>

#include "app/allocation.h"
#include "app/work_events.h"
#include "base/error.h"
#include "base/log.h"

namespace millrace::app {
namespace {

/// An expiry reads the lists of all snapshots, so it waits for a tenth more than are kept.
constexpr int64_t kSlackShare = 10;

}  // namespace

refine::MaintenanceRules MaintenanceRulesFor(const PipelineConfig& pipeline, const std::string& name) {
  const auto found = pipeline.tables.find(name);
  const auto* table = found == pipeline.tables.end() ? nullptr : &found->second;
  const auto& shared = pipeline.maintenance;
  const auto from = [&](const char* option) -> const MaintenanceConfig& {
    return table != nullptr && table->maintenance.Given(option) ? table->maintenance : shared;
  };
  refine::MaintenanceRules rules;
  rules.compact = from("compact").compact;
  if (table != nullptr) rules.compaction.file_size_bytes = table->file_size.bytes;
  if (const auto& small = from("small_file").small_file) rules.compaction.small_file_bytes = small->bytes;
  rules.compaction.small_files_max = from("small_files").small_files;
  rules.compaction.cold_after = from("cold_after").cold_after;
  rules.compaction.delete_ratio = from("delete_ratio").delete_ratio.value;
  rules.manifests_max = from("manifests").manifests;
  rules.expiry.snapshots_max = from("snapshots_keep").snapshots_keep;
  rules.expiry.snapshot_age_max = from("snapshots_age").snapshots_age;
  return rules;
}

Housekeeper::Housekeeper(const PipelineConfig& pipeline, const DataDirectory& directory, Lake& lake, ByteBudget& budget)
    : pipeline_(pipeline), lake_(lake), maintainer_(*lake.catalog, budget, directory.maintenance()) {}

void Housekeeper::Run(const std::stop_token& stop) {
  const auto interval = pipeline_.maintenance.interval;
  if (interval.count() == 0) return;
  refine::YieldToOthers();
  while (Clock::System().SleepFor(interval, stop)) {
    try {
      RunOnce(stop);
    } catch (const Error& error) {
      // What may wait ends no pipeline.
      if (error.code() != ErrorCode::kUnavailable) throw;
      if (!stop.stop_requested()) LogWarning("maintenance waits for its next look: {}", error.what());
    }
  }
}

void Housekeeper::RunOnce(const std::stop_token& stop) {
  if (pipeline_.maintenance.interval.count() == 0) return;
  bool worked = false;
  for (const auto& name : AllTables(*lake_.catalog)) {
    if (stop.stop_requested()) return;
    auto rules = MaintenanceRulesFor(pipeline_, catalog::ToString(name));
    rules.snapshots_slack = rules.expiry.snapshots_max.value_or(0) / kSlackShare + 1;
    const auto begin = Clock::System().Steady();
    const auto report = maintainer_.Maintain(name, rules, stop);
    const auto seconds = std::chrono::duration<double>(Clock::System().Steady() - begin).count();
    TableMaintained{.report = report, .seconds = seconds, .stopped = stop.stop_requested()}.Emit();
    Note(report, rules);
    worked = worked || report.did_something();
  }
  if (worked) ReturnFreedMemory();
}

/// A look that did not get to see the table leaves the counts of the last one.
void Housekeeper::Note(const refine::MaintenanceReport& report, const refine::MaintenanceRules& rules) {
  const auto name = catalog::ToString(report.table);
  auto note = NoteOf(report, rules);
  if (report.busy || !report.why_failed.empty()) {
    const auto last = notes_.Find(name).value_or(MaintenanceNote{});
    note.files = last.files;
    note.small_files = last.small_files;
  }
  notes_.Put(name, std::move(note));
}

std::string Describe(const refine::MaintenanceReport& report) {
  std::string said;
  const auto add = [&](int64_t count, const std::string& text) {
    if (count > 0) said += (said.empty() ? "" : ", ") + text;
  };
  const auto& compaction = report.compaction;
  add(compaction.files_removed, fmt::format("{} files became {}", compaction.files_removed, compaction.files_added));
  add(compaction.groups_dropped,
      fmt::format("{} groups of files left, another writer changed them", compaction.groups_dropped));
  add(compaction.rows_dropped, fmt::format("{} deleted rows left out", compaction.rows_dropped));
  const int64_t delete_files = compaction.delete_files_removed + report.deletes.files_removed;
  add(delete_files, fmt::format("{} delete files became {}", delete_files,
                                compaction.delete_files_added + report.deletes.files_added));
  add(report.manifests_fewer, fmt::format("{} manifests fewer", report.manifests_fewer));
  add(report.expiry.snapshots, fmt::format("{} snapshots expired", report.expiry.snapshots));
  add(report.expiry.objects_deleted, fmt::format("{} objects of them deleted", report.expiry.objects_deleted));
  add(static_cast<int64_t>(report.orphans.orphans.size()), fmt::format("{} orphans", report.orphans.orphans.size()));
  add(report.orphans.young, fmt::format("{} orphans too young", report.orphans.young));
  return said.empty() ? said : catalog::ToString(report.table) + ": " + said;
}

}  // namespace millrace::app
