#include "refine/maintenance/compaction.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "land/committer.h"
#include "land/write_properties.h"
#include "refine/maintenance/rewrite_group.h"
#include "table/manifest.h"
#include "table/table_property.h"

namespace millrace::refine {
namespace {

constexpr int64_t kCommitBytes = int64_t{1} << 30;
constexpr size_t kCommitGroups = 200;

int64_t RowsOf(const CompactionGroup& group) {
  int64_t rows = 0;
  for (const auto& file : group.files) rows += file.record_count;
  return rows;
}

/// Rewrites groups and commits what has gathered.
class Compactor {
 public:
  struct Parts {
    catalog::Catalog& catalog;
    ByteBudget& budget;
    const Clock& clock;
    std::stop_token stop;
  };

  Compactor(const Parts& parts, const catalog::LoadedTable& table, const CompactionRules& rules)
      : parts_(parts), table_(table), rules_(rules), prefix_("compacted-" + Random::FromSystem().Uuid()) {}

  CompactionReport Run(CompactionPlan plan) {
    plan_ = std::move(plan);
    try {
      for (auto& group : plan_.groups) {
        if (parts_.stop.stop_requested()) break;
        Rewrite(std::move(group));
        if (pending_bytes_ >= kCommitBytes || pending_.size() >= kCommitGroups) Commit();
      }
      Commit();
    } catch (...) {
      DropMade();
      throw;
    }
    return report_;
  }

  CompactionReport& report() { return report_; }

 private:
  void Rewrite(CompactionGroup group) {
    land::DataFileWriterOptions defaults;
    defaults.file_size_target_bytes = rules_.file_size_bytes;
    const auto writer = land::WithTableProperties(defaults, table_.metadata->properties);
    RewriteOptions options;
    options.file_name = prefix_ + "-" + std::to_string(++named_);
    options.zstd_level = writer.zstd_level;
    options.row_group_bytes = writer.row_group_bytes;
    FaultPoint("maintain.before_rewrite");
    try {
      made_.push_back(
          RewriteGroup(parts_.catalog.store(), *table_.metadata, group, options, parts_.budget, parts_.stop));
    } catch (const Error& error) {
      // One partition that cannot be read keeps its files; the others are merged all the same.
      if (error.code() != ErrorCode::kData) throw;
      LogWarning("table {}: {} files stay unmerged: {}", catalog::ToString(table_.name), group.files.size(),
                 error.what());
      return;
    }
    FaultPoint("maintain.after_rewrite");
    pending_bytes_ += group.bytes;
    pending_.push_back(std::move(group));
  }

  void Commit() {
    if (pending_.empty()) return;
    table::SnapshotChange change;
    change.added = std::exchange(made_, {});
    change.added_sequence = plan_.sequence;
    const auto groups = std::exchange(pending_, {});
    int64_t rows = 0;
    for (const auto& group : groups) {
      rows += RowsOf(group);
      for (const auto& file : group.files) change.removed_paths.insert(file.file_path);
    }
    const auto removed = static_cast<int64_t>(change.removed_paths.size());
    const auto added = static_cast<int64_t>(change.added.size());
    const int64_t bytes = std::exchange(pending_bytes_, 0);
    land::Committer committer(parts_.catalog, table_.name, table_.metadata->table_uuid, parts_.clock);
    FaultPoint("maintain.before_commit");
    const auto landed = committer.Replace(
        std::move(change),
        [&](const table::TableMetadata& base) { return StillStands(parts_.catalog.store(), base, plan_, groups); },
        parts_.stop);
    FaultPoint("maintain.after_commit");
    if (!landed) {
      report_.groups_dropped += static_cast<int64_t>(groups.size());
      return;
    }
    ++report_.commits;
    report_.rows += rows;
    report_.files_removed += removed;
    report_.files_added += added;
    report_.bytes_rewritten += bytes;
  }

  /// Files that no request has named yet.
  void DropMade() noexcept {
    for (const auto& file : made_) {
      try {
        if (const auto key = parts_.catalog.store().KeyOf(file.file_path)) parts_.catalog.store().Delete(*key);
      } catch (const std::exception& error) {
        LogWarning("{} is not needed and could not be deleted: {}", file.file_path, error.what());
      }
    }
  }

  const Parts parts_;
  const catalog::LoadedTable& table_;
  const CompactionRules& rules_;
  const std::string prefix_;
  int named_ = 0;
  CompactionPlan plan_;
  std::vector<CompactionGroup> pending_;
  std::vector<table::DataFile> made_;
  int64_t pending_bytes_ = 0;
  CompactionReport report_;
};

}  // namespace

CompactionReport Compact(catalog::Catalog& catalog, const catalog::LoadedTable& table, const CompactionRules& rules,
                         bool dry_run, ByteBudget& budget, const Clock& clock, const std::stop_token& stop) {
  table::CheckWritable(*table.metadata);
  CompactionRules own = rules;
  own.file_size_bytes = table::IntegerProperty(*table.metadata, "write.target-file-size-bytes", rules.file_size_bytes);
  auto plan = PlanCompaction(catalog.store(), *table.metadata, own, clock.Now());
  Compactor compactor({catalog, budget, clock, stop}, table, own);
  CompactionReport& report = compactor.report();
  report.before = plan.shape;
  report.files_with_deletes = plan.files_with_deletes;
  if (!dry_run) return compactor.Run(std::move(plan));
  for (const auto& group : plan.groups) {
    report.files_removed += static_cast<int64_t>(group.files.size());
    ++report.files_added;
    report.bytes_rewritten += group.bytes;
    report.rows += RowsOf(group);
  }
  return report;
}

int64_t MergeManifestsOf(catalog::Catalog& catalog, const catalog::LoadedTable& table, int64_t manifests_max,
                         const Clock& clock, const std::stop_token& stop) {
  const auto* head = table.metadata->current_snapshot();
  if (head == nullptr) return 0;
  const auto before = static_cast<int64_t>(table::ReadManifestList(catalog.store(), *head).size());
  if (before <= manifests_max) return 0;
  table::SnapshotChange change;
  change.merge_small_manifests = true;
  land::Committer committer(catalog, table.name, table.metadata->table_uuid, clock);
  const auto landed = committer.Replace(
      std::move(change), [](const table::TableMetadata&) { return true; }, stop);
  const auto* after = landed ? landed->table.metadata->FindSnapshot(landed->snapshot_id) : nullptr;
  if (after == nullptr) return 0;
  return before - static_cast<int64_t>(table::ReadManifestList(catalog.store(), *after).size());
}

}  // namespace millrace::refine
