#include "refine/maintenance/compaction_plan.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "table/deletion_vector.h"
#include "table/manifest.h"
#include "table/partition_key.h"

namespace millrace::refine {
namespace {

using table::DataFile;
using table::FileContent;
using table::ManifestEntry;
using table::PartitionKey;
using table::SequenceNumber;

/// A file that is left out while it outweighs the rest of its partition this often: rewriting it over and over for a
/// few late rows would cost more than the small files do.
constexpr int64_t kOutweighs = 4;

struct Candidate {
  table::DatedFile data;
  double deleted = 0;  // rows that deletes of this file alone name
  double shared = 0;   // rows that deletes of several files name
  bool small = false;
  bool by_deletes = false;  // is rewritten for the sake of its deletes

  int64_t bytes() const { return data.file.file_size_in_bytes; }
};

struct PartitionFiles {
  std::vector<Candidate> candidates;
  int64_t rows = 0;
  int64_t received_ms = 0;  // when rows last came; 0: longer ago than the snapshots go back
};

bool IsParquet(const DataFile& file) {
  return std::ranges::equal(file.file_format, std::string_view("PARQUET"),
                            [](char a, char b) { return std::toupper(static_cast<unsigned char>(a)) == b; });
}

class Planner {
 public:
  Planner(io::ObjectStore& store, const table::TableMetadata& metadata, const CompactionRules& rules, Timestamp now)
      : store_(store),
        metadata_(metadata),
        rules_(rules),
        now_ms_(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count()),
        received_(ReceivedAt(metadata)) {}

  CompactionPlan Plan() {
    plan_.deletes = std::make_unique<table::DeleteFiles>(metadata_);
    plan_.shape.snapshots = static_cast<int64_t>(metadata_.snapshots.size());
    const auto* head = metadata_.current_snapshot();
    if (head == nullptr) return std::move(plan_);
    plan_.sequence = head->sequence_number;
    const auto manifests = table::ReadManifestList(store_, *head);
    for (const auto& manifest : manifests) {
      ++plan_.shape.manifests;
      plan_.manifests.insert(manifest.manifest_path);
    }
    // Deletes first: of a data file it is known then what applies to it.
    for (const auto content : {table::ManifestContent::kDeletes, table::ManifestContent::kData}) {
      for (const auto& manifest : manifests) {
        if (manifest.content == content && manifest.may_have_live_files()) Read(manifest);
      }
    }
    plan_.shape.partitions = static_cast<int64_t>(partitions_.size());
    for (auto& [key, files] : partitions_) GroupPartition(key, files);
    std::ranges::stable_sort(plan_.groups, [](const CompactionGroup& a, const CompactionGroup& b) {
      return std::tuple(!a.cold, b.files.size()) < std::tuple(!b.cold, a.files.size());
    });
    return std::move(plan_);
  }

 private:
  void Read(const table::ManifestFile& manifest) {
    table::ForEachEntry(store_, metadata_, manifest, [&](ManifestEntry entry) {
      if (entry.status == table::EntryStatus::kDeleted) return;
      const SequenceNumber sequence = entry.sequence_number.value_or(SequenceNumber(0));
      table::DatedFile file{.file = std::move(entry.file), .sequence = sequence};
      if (file.file.content == FileContent::kData) {
        TakeData(std::move(file), entry.snapshot_id, manifest.manifest_path);
      } else {
        TakeDeletes(std::move(file), manifest.manifest_path);
      }
    });
  }

  void TakeDeletes(table::DatedFile deletes, const std::string& manifest_path) {
    ++plan_.shape.delete_files;
    if (deletes.file.content == FileContent::kPositionDeletes) plan_.shape.deleted_rows += deletes.file.record_count;
    const std::string name = table::NameOf(deletes.file);
    plan_.manifest_of_file.emplace(name, manifest_path);
    plan_.uses.emplace(name, 0);
    if (table::IsDeletionVector(deletes.file)) plan_.vectors.insert(name);
    plan_.deletes->Add(std::move(deletes));
  }

  void TakeData(table::DatedFile data, std::optional<table::SnapshotId> added_by, const std::string& manifest_path) {
    auto& partition = partitions_[table::PartitionOf(data.file)];
    ++plan_.shape.files;
    plan_.shape.bytes += data.file.file_size_in_bytes;
    plan_.shape.rows += data.file.record_count;
    partition.rows += data.file.record_count;
    if (const auto when = added_by ? received_.find(*added_by) : received_.end(); when != received_.end()) {
      partition.received_ms = std::max(partition.received_ms, when->second);
    }
    Candidate candidate;
    candidate.small = data.file.file_size_in_bytes < rules_.small_bytes();
    if (candidate.small) ++plan_.shape.small_files;
    const auto applying = plan_.deletes->For(data.file, data.sequence);
    for (const auto* deletes : applying) {
      ++plan_.uses[table::NameOf(deletes->file)];
      // How many rows equality deletes take away is not known; LocateDeletes finds out.
      if (deletes->file.content == FileContent::kEqualityDeletes) continue;
      const auto rows = static_cast<double>(deletes->file.record_count);
      (table::DataFileOf(deletes->file) ? candidate.deleted : candidate.shared) += rows;
    }
    if (!IsParquet(data.file) || data.file.key_metadata || (!candidate.small && applying.empty())) return;
    plan_.manifest_of_file.emplace(data.file.file_path, manifest_path);
    candidate.data = std::move(data);
    partition.candidates.push_back(std::move(candidate));
  }

  /// How much of a file is deleted, from what is known without reading the delete files.
  static double DeletedShare(const Candidate& one, const PartitionFiles& partition) {
    const auto rows = static_cast<double>(std::max<int64_t>(1, one.data.file.record_count));
    return std::min(1.0, one.deleted / rows + one.shared / static_cast<double>(std::max<int64_t>(1, partition.rows)));
  }

  void GroupPartition(const PartitionKey& key, PartitionFiles& partition) {
    const bool cold = now_ms_ - partition.received_ms >= rules_.cold_after.count();
    std::vector<Candidate> chosen;
    std::vector<Candidate> small;
    for (auto& one : partition.candidates) {
      one.by_deletes = DeletedShare(one, partition) >= rules_.delete_ratio;
      if (one.by_deletes || one.small) (one.by_deletes ? chosen : small).push_back(std::move(one));
    }
    if (!cold) LeaveHeaviest(small);
    const int64_t files_min = cold ? 2 : std::max<int64_t>(2, rules_.small_files_max);
    const bool enough = static_cast<int64_t>(small.size()) >= files_min;
    if (chosen.empty() && !enough) return;
    std::ranges::move(small, std::back_inserter(chosen));
    std::ranges::stable_sort(chosen, {}, [](const Candidate& one) { return one.data.sequence; });
    CompactionGroup group;
    bool by_deletes = false;
    double bytes = 0;
    const auto close = [&] {
      if (group.files.size() > 1 || by_deletes) plan_.groups.push_back(std::move(group));
      group = {{.spec_id = key.spec_id, .partition = key.values, .files = {}}, cold, 0};
      by_deletes = false;
      bytes = 0;
    };
    close();
    for (auto& one : chosen) {
      const double left = static_cast<double>(one.bytes()) * (1 - DeletedShare(one, partition));
      if (bytes + left > static_cast<double>(rules_.file_size_bytes)) close();
      bytes += left;
      by_deletes = by_deletes || one.by_deletes;
      group.bytes += one.bytes();
      group.files.push_back(std::move(one.data));
    }
    close();
  }

  static void LeaveHeaviest(std::vector<Candidate>& files) {
    std::ranges::stable_sort(files, {}, &Candidate::bytes);
    int64_t rest = 0;
    for (const auto& one : files) rest += one.bytes();
    while (files.size() > 1) {
      rest -= files.back().bytes();
      if (files.back().bytes() <= kOutweighs * rest) return;
      files.pop_back();
    }
  }

  io::ObjectStore& store_;
  const table::TableMetadata& metadata_;
  const CompactionRules& rules_;
  const int64_t now_ms_;
  const std::map<table::SnapshotId, int64_t> received_;
  std::map<PartitionKey, PartitionFiles> partitions_;
  CompactionPlan plan_;
};

}  // namespace

std::map<table::SnapshotId, int64_t> ReceivedAt(const table::TableMetadata& metadata) {
  std::map<table::SnapshotId, int64_t> received;
  for (const auto& snapshot : metadata.snapshots) {
    const auto operation = snapshot.summary.find("operation");
    if (operation == snapshot.summary.end() || operation->second != "replace") {
      received[snapshot.snapshot_id] = snapshot.timestamp_ms;
    }
  }
  return received;
}

CompactionPlan PlanCompaction(io::ObjectStore& store, const table::TableMetadata& metadata,
                              const CompactionRules& rules, Timestamp now) {
  return Planner(store, metadata, rules, now).Plan();
}

TableShape MeasureShape(io::ObjectStore& store, const table::TableMetadata& metadata, const CompactionRules& rules) {
  return PlanCompaction(store, metadata, rules, Timestamp()).shape;
}

Recheck CheckAgain(io::ObjectStore& store, const table::TableMetadata& base, const CompactionPlan& plan,
                   const std::set<std::string>& paths, const std::set<PartitionKey>& partitions) {
  Recheck recheck;
  const auto* head = base.current_snapshot();
  if (head == nullptr) {
    recheck.all_there = false;
    return recheck;
  }
  std::set<std::string> there;
  std::vector<table::ManifestFile> fresh;
  for (auto& manifest : table::ReadManifestList(store, *head)) {
    there.insert(manifest.manifest_path);
    if (!plan.manifests.contains(manifest.manifest_path)) fresh.push_back(std::move(manifest));
  }
  std::set<std::string> sought;
  for (const auto& path : paths) {
    if (!there.contains(plan.manifest_of_file.at(path))) sought.insert(path);
  }
  for (const auto& manifest : fresh) {
    const bool deletes = manifest.content == table::ManifestContent::kDeletes;
    if (!manifest.may_have_live_files() || (!deletes && sought.empty())) continue;
    table::ForEachEntry(store, base, manifest, [&](ManifestEntry entry) {
      if (entry.status == table::EntryStatus::kDeleted) return;
      sought.erase(table::NameOf(entry.file));
      const bool late = entry.sequence_number.value_or(SequenceNumber(0)) > plan.sequence;
      if (!late || entry.file.content != FileContent::kPositionDeletes) return;
      const auto of = table::DataFileOf(entry.file);
      const bool may_be = of ? paths.contains(std::string(*of)) : partitions.contains(table::PartitionOf(entry.file));
      if (may_be) recheck.late_deletes.push_back(std::move(entry.file));
    });
  }
  for (const auto& name : sought) {
    if (plan.vectors.contains(name)) recheck.replaced_vectors.insert(name);
  }
  recheck.all_there = sought.size() == recheck.replaced_vectors.size();
  return recheck;
}

}  // namespace millrace::refine
