#include "refine/maintenance/delete_merge.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/fault.h"
#include "base/random.h"
#include "land/committer.h"
#include "land/deleted_rows.h"
#include "land/drop_file.h"
#include "land/position_deletes.h"
#include "table/deletion_vector.h"
#include "table/live_files.h"
#include "table/table_property.h"

namespace millrace::refine {
namespace {

using table::DataFile;
using table::DatedFile;

/// A commit takes place when this many deletes have been read: they are in memory until then.
constexpr int64_t kDeletesMax = int64_t{4} << 20;
constexpr int64_t kBytesADelete = 16;

/// A data file and the position delete files that are of it alone.
struct OfDataFile {
  DataFile file;
  std::set<const DatedFile*> own;
};

struct OfPartition {
  std::map<std::string, OfDataFile, std::less<>> data;  // those that position deletes may apply to
  std::set<const DatedFile*> shared;                    // position delete files of several data files
  int64_t received_ms = 0;

  /// Delete files beyond one a data file.
  int64_t excess() const {
    auto excess = static_cast<int64_t>(shared.size());
    for (const auto& [path, one] : data) excess += std::max<int64_t>(0, static_cast<int64_t>(one.own.size()) - 1);
    return excess;
  }
};

/// The delete files of a table and what they apply to.
class Situation {
 public:
  Situation(io::ObjectStore& store, const table::TableMetadata& metadata) : deletes_(metadata) {
    const auto* head = metadata.current_snapshot();
    if (head == nullptr) return;
    const auto received = ReceivedAt(metadata);
    std::vector<table::ManifestFile> data;
    const auto only_deletes = [&](const table::ManifestFile& manifest) {
      if (manifest.content == table::ManifestContent::kData) data.push_back(manifest);
      return manifest.content == table::ManifestContent::kDeletes;
    };
    table::ForEachLiveFile(store, metadata, *head, only_deletes, [&](table::ManifestEntry entry) {
      const auto sequence = entry.sequence_number.value_or(table::SequenceNumber(0));
      deletes_.Add({.file = std::move(entry.file), .sequence = sequence});
    });
    if (deletes_.empty()) return;
    table::ForEachLiveFile(store, metadata, data, [&](table::ManifestEntry entry) {
      auto& partition = partitions_[table::PartitionOf(entry.file)];
      const auto when = entry.snapshot_id ? received.find(*entry.snapshot_id) : received.end();
      if (when != received.end()) partition.received_ms = std::max(partition.received_ms, when->second);
      TakeData(std::move(entry.file), entry.sequence_number.value_or(table::SequenceNumber(0)), partition);
    });
  }

  const std::map<table::PartitionKey, OfPartition>& partitions() const { return partitions_; }

  /// Names of those that apply to no data file.
  std::set<std::string> Idle() const {
    std::set<std::string> idle;
    for (const auto& one : deletes_.files()) {
      if (!used_.contains(&one)) idle.insert(table::NameOf(one.file));
    }
    return idle;
  }

 private:
  void TakeData(DataFile file, table::SequenceNumber sequence, OfPartition& partition) {
    const auto applying = deletes_.For(file, sequence);
    used_.insert(applying.begin(), applying.end());
    OfDataFile of;
    bool by_position = false;
    for (const auto* one : applying) {
      if (one->file.content != table::FileContent::kPositionDeletes) continue;
      by_position = true;
      (table::DataFileOf(one->file) ? of.own : partition.shared).insert(one);
    }
    if (!by_position) return;
    of.file.file_path = file.file_path;
    of.file.spec_id = file.spec_id;
    of.file.partition = std::move(file.partition);
    partition.data.emplace(std::move(file.file_path), std::move(of));
  }

  table::DeleteFiles deletes_;
  std::set<const DatedFile*> used_;
  std::map<table::PartitionKey, OfPartition> partitions_;
};

class Merger {
 public:
  Merger(const MaintenanceParts& parts, const catalog::LoadedTable& table) : parts_(parts), table_(table) {}

  void Remove(std::set<std::string> names) { removed_.merge(names); }

  /// The deletes of a partition become one file a data file, where they are not that already.
  void Merge(const OfPartition& partition) {
    int64_t rows = 0;
    for (const auto* one : partition.shared) rows += one->file.record_count;
    held_.Merge(parts_.budget.Force(rows * kBytesADelete));
    std::set<std::string_view> touched;
    for (const auto* one : partition.shared) {
      Read(*one, partition, &touched);
      removed_.insert(table::NameOf(one->file));
    }
    for (const auto& [path, one] : partition.data) {
      if (one.own.size() < 2 && !(touched.contains(path) && !one.own.empty())) continue;
      for (const auto* own : one.own) {
        Read(*own, partition, nullptr);
        removed_.insert(table::NameOf(own->file));
        rows += own->file.record_count;
      }
    }
    rows_ += rows;
    if (rows_ >= kDeletesMax) Commit();
  }

  void Commit() {
    rows_ = 0;
    held_.Release();
    if (removed_.empty()) return;
    table::SnapshotChange change;
    change.operation = "replace";
    change.removed_paths = std::exchange(removed_, {});
    change.removes_only_deletes = true;
    FaultPoint("maintain.before_delete_merge");
    change.added = deletes_.Write(parts_.catalog.store(), *table_.metadata, "merged-" + Random::FromSystem().Uuid(),
                                  land::PositionDeletes::Granularity::kDataFile);
    deletes_ = {};
    const auto made = std::make_shared<const table::SnapshotChange>(std::move(change));
    land::Committer committer(parts_.catalog, table_.name, table_.metadata->table_uuid, parts_.clock);
    bool offered = false;
    const auto landed = committer.CommitIf(
        [&](const table::TableMetadata& base) {
          const bool stands = Stands(base, *made);
          offered = offered || stands;
          return stands ? made : nullptr;
        },
        parts_.stop);
    FaultPoint("maintain.after_delete_merge");
    if (landed) {
      report_.files_removed += static_cast<int64_t>(made->removed_paths.size());
      report_.files_added += static_cast<int64_t>(made->added.size());
    } else if (!offered) {
      for (const auto& file : made->added) land::DropFile(parts_.catalog.store(), file.file_path);
    }
  }

  const DeleteMergeReport& report() const { return report_; }

 private:
  /// Deletes of data files that are gone are left behind.
  void Read(const DatedFile& deletes, const OfPartition& partition, std::set<std::string_view>* touched) {
    land::ForEachDeletedPosition(parts_.catalog.store(), deletes.file, [&](std::string_view path, int64_t position) {
      const auto found = partition.data.find(path);
      if (found == partition.data.end()) return;
      deletes_.Add(found->second.file, position);
      if (touched != nullptr) touched->insert(found->first);
    });
  }

  /// What goes is still there, and nobody gave a data file a vector meanwhile that this one would be the second of.
  bool Stands(const table::TableMetadata& base, const table::SnapshotChange& change) const {
    const auto* head = base.current_snapshot();
    if (head == nullptr) return false;
    auto sought = change.removed_paths;
    const auto given = table::FilesGivenVectors(change.added);
    bool twice = false;
    const auto deletes = [](const table::ManifestFile& file) {
      return file.content == table::ManifestContent::kDeletes;
    };
    table::ForEachLiveFile(parts_.catalog.store(), base, *head, deletes, [&](const table::ManifestEntry& entry) {
      if (sought.erase(table::NameOf(entry.file)) > 0 || given.empty()) return;
      const auto of = table::DataFileOf(entry.file);
      twice = twice || (table::IsDeletionVector(entry.file) && of && given.contains(*of));
    });
    return sought.empty() && !twice;
  }

  const MaintenanceParts& parts_;
  const catalog::LoadedTable& table_;
  std::set<std::string> removed_;
  land::PositionDeletes deletes_;
  int64_t rows_ = 0;
  Reservation held_;
  DeleteMergeReport report_;
};

}  // namespace

DeleteMergeReport MergeDeletes(const MaintenanceParts& parts, const catalog::LoadedTable& table,
                               const CompactionRules& rules, bool dry_run) {
  table::CheckWritable(*table.metadata);
  const Situation situation(parts.catalog.store(), *table.metadata);
  const int64_t now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(parts.clock.Now().time_since_epoch()).count();
  Merger merger(parts, table);
  auto idle = situation.Idle();
  DeleteMergeReport planned{.files_removed = static_cast<int64_t>(idle.size())};
  merger.Remove(std::move(idle));
  for (const auto& [key, partition] : situation.partitions()) {
    const bool cold = now_ms - partition.received_ms >= rules.cold_after.count();
    if (partition.excess() < (cold ? 1 : std::max<int64_t>(1, rules.small_files_max))) continue;
    planned.files_removed += partition.excess();
    if (dry_run) continue;
    if (parts.stop.stop_requested()) break;
    merger.Merge(partition);
  }
  if (dry_run) return planned;
  merger.Commit();
  return merger.report();
}

}  // namespace millrace::refine
