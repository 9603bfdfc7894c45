#include "refine/maintenance/compaction.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "land/committer.h"
#include "land/deleted_rows.h"
#include "land/drop_file.h"
#include "land/position_deletes.h"
#include "land/rewrite_files.h"
#include "land/write_properties.h"
#include "refine/maintenance/row_moves.h"
#include "table/manifest.h"
#include "table/table_property.h"

namespace millrace::refine {
namespace {

constexpr int64_t kCommitBytes = int64_t{1} << 30;
constexpr size_t kCommitGroups = 200;

int64_t RowsOf(const CompactionGroup& group) {
  int64_t rows = 0;
  for (const auto& one : group.files) rows += one.file.record_count;
  return rows;
}

void AddTo(CompactionReport& report, const CompactionGroup& group) {
  report.rows += RowsOf(group);
  report.files_removed += static_cast<int64_t>(group.files.size());
  report.bytes_rewritten += group.bytes;
}

/// A group that was rewritten and is not committed yet.
struct Rewritten {
  CompactionGroup group;
  std::optional<table::DataFile> made;  // none: every row was deleted
  std::unique_ptr<RowMoves> moves;      // null: the table had no deletes, and no place was noted
  int64_t rows_dropped = 0;
};

/// Numbers, rising, of rows of a group that late deletes name: the position within the group's files, one after
/// another.
std::vector<int64_t> NumbersIn(const CompactionGroup& group, const std::map<std::string, std::vector<int64_t>>& late) {
  std::vector<int64_t> numbers;
  int64_t first = 0;
  for (const auto& one : group.files) {
    if (const auto found = late.find(one.file.file_path); found != late.end()) {
      for (const int64_t position : found->second) numbers.push_back(first + position);
    }
    first += one.file.record_count;
  }
  std::ranges::sort(numbers);
  return numbers;
}

/// One commit of some rewritten groups, on whatever base it is made.
class Replacement {
 public:
  Replacement(const MaintenanceParts& parts, const CompactionPlan& plan, std::vector<Rewritten> groups)
      : parts_(parts), plan_(plan), groups_(std::move(groups)) {
    change_.operation = "replace";
    change_.added_sequence = plan.sequence;
    for (auto& one : groups_) {
      partitions_.insert({.spec_id = one.group.spec_id, .values = one.group.partition});
      if (one.made) change_.added.push_back(*one.made);
      for (const auto& data : one.group.files) {
        change_.removed_paths.insert(data.file.file_path);
        for (const auto* deletes : plan.deletes->For(data.file, data.sequence)) ++uses_[table::NameOf(deletes->file)];
      }
    }
    for (const auto& [path, uses] : uses_) {
      if (uses == plan.uses.at(path)) change_.removed_paths.insert(path);
    }
  }

  /// Null when a file of it is gone, or rows were deleted from one whose rows' new places are not known.
  std::shared_ptr<const table::SnapshotChange> On(const table::TableMetadata& base) {
    auto recheck = CheckAgain(parts_.catalog.store(), base, plan_, change_.removed_paths, partitions_);
    if (!recheck.all_there) return nullptr;
    std::set<std::string> late;
    for (const auto& file : recheck.late_deletes) late.insert(table::NameOf(file));
    if (made_ && late == late_) return made_;
    auto next = std::make_shared<table::SnapshotChange>(change_);
    for (const auto& name : recheck.replaced_vectors) next->removed_paths.erase(name);
    if (!AddLate(base, recheck.late_deletes, *next)) return nullptr;
    late_ = std::move(late);
    made_ = std::move(next);
    return made_;
  }

  void Report(CompactionReport& report) const {
    ++report.commits;
    for (const auto& one : groups_) {
      AddTo(report, one.group);
      report.rows_dropped += one.rows_dropped;
      report.files_added += one.made ? 1 : 0;
    }
    report.delete_files_removed += std::ranges::count_if(made_->removed_paths, [&](const std::string& path) {
      return plan_.uses.contains(path) || late_.contains(path);
    });
    report.delete_files_added += static_cast<int64_t>(made_->added.size() - change_.added.size());
  }

  const std::vector<Rewritten>& groups() const { return groups_; }
  /// A request may have named its files.
  bool offered() const { return made_ != nullptr; }
  const std::map<std::string, int64_t>& uses() const { return uses_; }

 private:
  /// Rows that were deleted while their files were rewritten are deleted where they are now.
  bool AddLate(const table::TableMetadata& base, const std::vector<table::DataFile>& late,
               table::SnapshotChange& next) const {
    auto& store = parts_.catalog.store();
    std::map<std::string, std::vector<int64_t>> positions;
    for (const auto& file : late) {
      land::ForEachDeletedPosition(store, file, [&](std::string_view path, int64_t position) {
        const std::string of(path);
        if (change_.removed_paths.contains(of)) positions[of].push_back(position);
      });
      // What is of one file goes with it.
      const auto of = table::DataFileOf(file);
      if (of && change_.removed_paths.contains(std::string(*of))) next.removed_paths.insert(table::NameOf(file));
    }
    if (positions.empty()) return true;
    land::PositionDeletes deletes;
    for (const auto& one : groups_) {
      const auto numbers = NumbersIn(one.group, positions);
      if (numbers.empty() || !one.made) continue;
      if (!one.moves) return false;
      one.moves->ForEachOf(numbers, [&](int64_t position) { deletes.Add(*one.made, position); });
    }
    if (deletes.empty()) return true;
    for (auto& file : deletes.Write(store, base, "compacted-" + Random::FromSystem().Uuid(),
                                    land::PositionDeletes::Granularity::kDataFile)) {
      next.added.push_back(std::move(file));
    }
    return true;
  }

  const MaintenanceParts& parts_;
  const CompactionPlan& plan_;
  const std::vector<Rewritten> groups_;
  std::set<table::PartitionKey> partitions_;
  std::map<std::string, int64_t> uses_;  // delete files that apply to what goes
  table::SnapshotChange change_;         // as planned
  std::set<std::string> late_;           // delete files that `made_` takes into account
  std::shared_ptr<const table::SnapshotChange> made_;
};

/// Rewrites groups and commits what has gathered.
class Compactor {
 public:
  Compactor(const MaintenanceParts& parts, const catalog::LoadedTable& table, const CompactionRules& rules)
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
      Drop(pending_);
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
    land::RewriteOptions options;
    options.file_name = prefix_ + "-" + std::to_string(++named_);
    options.zstd_level = writer.zstd_level;
    options.row_group_bytes = writer.row_group_bytes;
    Rewritten rewritten;
    if (!plan_.deletes->empty()) {
      rewritten.moves = std::make_unique<RowMoves>(parts_.scratch_folder);
      options.visit = [moves = rewritten.moves.get()](const arrow::RecordBatch&, const arrow::Int64Array& numbers) {
        moves->Append(numbers);
      };
    }
    FaultPoint("maintain.before_rewrite");
    try {
      auto& store = parts_.catalog.store();
      const land::DeletedRows deleted(store, *table_.metadata, *plan_.deletes, group.files);
      const Reservation held = parts_.budget.Force(deleted.bytes());
      rewritten.made = land::RewriteFiles(store, *table_.metadata, group, deleted, options, parts_.budget, parts_.stop);
    } catch (const Error& error) {
      // One partition that cannot be read keeps its files; the others are merged all the same.
      if (error.code() != ErrorCode::kData) throw;
      LogWarning("table {}: {} files stay unmerged: {}", catalog::ToString(table_.name), group.files.size(),
                 error.what());
      return;
    }
    FaultPoint("maintain.after_rewrite");
    rewritten.rows_dropped = RowsOf(group) - (rewritten.made ? rewritten.made->record_count : 0);
    pending_bytes_ += group.bytes;
    rewritten.group = std::move(group);
    pending_.push_back(std::move(rewritten));
  }

  void Commit() {
    if (pending_.empty()) return;
    pending_bytes_ = 0;
    Replacement replacement(parts_, plan_, std::exchange(pending_, {}));
    land::Committer committer(parts_.catalog, table_.name, table_.metadata->table_uuid, parts_.clock);
    FaultPoint("maintain.before_commit");
    const auto landed =
        committer.CommitIf([&](const table::TableMetadata& base) { return replacement.On(base); }, parts_.stop);
    FaultPoint("maintain.after_commit");
    if (!landed) {
      report_.groups_dropped += static_cast<int64_t>(replacement.groups().size());
      if (!replacement.offered()) Drop(replacement.groups());
      return;
    }
    for (const auto& [path, uses] : replacement.uses()) plan_.uses[path] -= uses;
    replacement.Report(report_);
  }

  /// Files that no request has named yet.
  void Drop(const std::vector<Rewritten>& groups) noexcept {
    for (const auto& one : groups) {
      if (one.made) land::DropFile(parts_.catalog.store(), one.made->file_path);
    }
  }

  const MaintenanceParts& parts_;
  const catalog::LoadedTable& table_;
  const CompactionRules& rules_;
  const std::string prefix_;
  int named_ = 0;
  CompactionPlan plan_;
  std::vector<Rewritten> pending_;
  int64_t pending_bytes_ = 0;
  CompactionReport report_;
};

}  // namespace

CompactionReport Compact(const MaintenanceParts& parts, const catalog::LoadedTable& table, const CompactionRules& rules,
                         bool dry_run) {
  table::CheckWritable(*table.metadata);
  CompactionRules own = rules;
  own.file_size_bytes = table::IntegerProperty(*table.metadata, "write.target-file-size-bytes", rules.file_size_bytes);
  auto plan = PlanCompaction(parts.catalog.store(), *table.metadata, own, parts.clock.Now());
  Compactor compactor(parts, table, own);
  CompactionReport& report = compactor.report();
  report.before = plan.shape;
  if (!dry_run) return compactor.Run(std::move(plan));
  for (const auto& group : plan.groups) {
    AddTo(report, group);
    ++report.files_added;
  }
  return report;
}

int64_t MergeManifestsOf(const MaintenanceParts& parts, const catalog::LoadedTable& table, int64_t manifests_max) {
  const auto* head = table.metadata->current_snapshot();
  if (head == nullptr) return 0;
  const auto before = static_cast<int64_t>(table::ReadManifestList(parts.catalog.store(), *head).size());
  if (before <= manifests_max) return 0;
  table::SnapshotChange change;
  change.operation = "replace";
  change.merge_small_manifests = true;
  land::Committer committer(parts.catalog, table.name, table.metadata->table_uuid, parts.clock);
  const auto landed = committer.CommitIf(
      std::move(change), [](const table::TableMetadata&) { return true; }, parts.stop);
  const auto* after = landed ? landed->table.metadata->FindSnapshot(landed->snapshot_id) : nullptr;
  if (after == nullptr) return 0;
  return before - static_cast<int64_t>(table::ReadManifestList(parts.catalog.store(), *after).size());
}

}  // namespace millrace::refine
