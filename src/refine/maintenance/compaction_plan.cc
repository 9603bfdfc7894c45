#include "refine/maintenance/compaction_plan.h"

#include <algorithm>
#include <cctype>
#include <tuple>
#include <utility>

#include "table/manifest.h"

namespace millrace::refine {
namespace {

using table::DataFile;
using table::FileContent;
using table::ManifestEntry;
using table::SequenceNumber;

/// A file that is left out while it outweighs the rest of its partition this often: rewriting it over and over for a
/// few late rows would cost more than the small files do.
constexpr int64_t kOutweighs = 4;

struct PartitionKey {
  int32_t spec_id = 0;
  table::PartitionTuple values;

  friend bool operator<(const PartitionKey& left, const PartitionKey& right) {
    if (left.spec_id != right.spec_id) return left.spec_id < right.spec_id;
    return std::lexicographical_compare(left.values.begin(), left.values.end(), right.values.begin(),
                                        right.values.end(), [](const auto& a, const auto& b) {
                                          if (!a || !b) return b.has_value() && !a.has_value();
                                          return table::Compare(*a, *b) < 0;
                                        });
  }
};

struct Candidate {
  DataFile file;
  SequenceNumber sequence;
};

struct PartitionFiles {
  std::vector<Candidate> small;
  std::vector<SequenceNumber> position_deletes;
  std::vector<SequenceNumber> equality_deletes;
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
        now_ms_(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count()) {
    for (const auto& snapshot : metadata.snapshots) {
      const auto operation = snapshot.summary.find("operation");
      if (operation == snapshot.summary.end() || operation->second != "replace") {
        received_[snapshot.snapshot_id] = snapshot.timestamp_ms;
      }
    }
  }

  CompactionPlan Plan() {
    plan_.shape.snapshots = static_cast<int64_t>(metadata_.snapshots.size());
    const auto* head = metadata_.current_snapshot();
    if (head == nullptr) return std::move(plan_);
    plan_.sequence = head->sequence_number;
    for (const auto& manifest : table::ReadManifestList(store_, *head)) {
      ++plan_.shape.manifests;
      plan_.manifests.insert(manifest.manifest_path);
      if (!manifest.may_have_live_files()) continue;
      table::ForEachEntry(store_, metadata_, manifest, [&](ManifestEntry entry) {
        if (entry.status != table::EntryStatus::kDeleted) Take(std::move(entry), manifest.manifest_path);
      });
    }
    plan_.shape.partitions = static_cast<int64_t>(partitions_.size());
    for (auto& [key, files] : partitions_) GroupPartition(key, files);
    std::ranges::stable_sort(plan_.groups, [](const CompactionGroup& a, const CompactionGroup& b) {
      return std::tuple(!a.cold, b.files.size()) < std::tuple(!b.cold, a.files.size());
    });
    return std::move(plan_);
  }

 private:
  void Take(ManifestEntry entry, const std::string& manifest_path) {
    auto& partition = partitions_[{entry.file.spec_id, entry.file.partition}];
    const SequenceNumber sequence = entry.sequence_number.value_or(SequenceNumber(0));
    if (entry.file.content != FileContent::kData) {
      ++plan_.shape.delete_files;
      const bool by_position = entry.file.content == FileContent::kPositionDeletes;
      if (by_position) plan_.shape.deleted_rows += entry.file.record_count;
      (by_position ? partition.position_deletes : partition.equality_deletes).push_back(sequence);
      const auto* spec = metadata_.FindSpec(entry.file.spec_id);
      if (!by_position && spec != nullptr && spec->fields.empty()) global_deletes_.push_back(sequence);
      return;
    }
    ++plan_.shape.files;
    plan_.shape.bytes += entry.file.file_size_in_bytes;
    plan_.shape.rows += entry.file.record_count;
    if (const auto when = entry.snapshot_id ? received_.find(*entry.snapshot_id) : received_.end();
        when != received_.end()) {
      partition.received_ms = std::max(partition.received_ms, when->second);
    }
    if (entry.file.file_size_in_bytes >= rules_.small_bytes()) return;
    ++plan_.shape.small_files;
    if (!IsParquet(entry.file) || entry.file.key_metadata) return;
    plan_.manifest_of_file.emplace(entry.file.file_path, manifest_path);
    partition.small.push_back({std::move(entry.file), sequence});
  }

  bool HasDeletes(const PartitionFiles& partition, SequenceNumber sequence) const {
    const auto at_least = [&](SequenceNumber deletes) { return deletes >= sequence; };
    const auto above = [&](SequenceNumber deletes) { return deletes > sequence; };
    return std::ranges::any_of(partition.position_deletes, at_least) ||
           std::ranges::any_of(partition.equality_deletes, above) || std::ranges::any_of(global_deletes_, above);
  }

  void GroupPartition(const PartitionKey& key, PartitionFiles& partition) {
    plan_.files_with_deletes += static_cast<int64_t>(
        std::erase_if(partition.small, [&](const Candidate& one) { return HasDeletes(partition, one.sequence); }));
    const bool cold = now_ms_ - partition.received_ms >= rules_.cold_after.count();
    if (!cold) LeaveHeaviest(partition.small);
    const int64_t files_min = cold ? 2 : std::max<int64_t>(2, rules_.small_files_max);
    if (static_cast<int64_t>(partition.small.size()) < files_min) return;
    std::ranges::stable_sort(partition.small, {}, [](const Candidate& one) { return one.sequence; });
    CompactionGroup group;
    const auto close = [&] {
      if (group.files.size() > 1) plan_.groups.push_back(std::move(group));
      group = {.spec_id = key.spec_id, .partition = key.values, .cold = cold, .bytes = 0, .files = {}};
    };
    close();
    for (auto& candidate : partition.small) {
      if (group.bytes + candidate.file.file_size_in_bytes > rules_.file_size_bytes) close();
      group.bytes += candidate.file.file_size_in_bytes;
      group.files.push_back(std::move(candidate.file));
    }
    close();
  }

  static void LeaveHeaviest(std::vector<Candidate>& files) {
    const auto size = [](const Candidate& one) { return one.file.file_size_in_bytes; };
    std::ranges::stable_sort(files, {}, size);
    int64_t rest = 0;
    for (const auto& one : files) rest += size(one);
    while (files.size() > 1) {
      rest -= size(files.back());
      if (size(files.back()) <= kOutweighs * rest) return;
      files.pop_back();
    }
  }

  io::ObjectStore& store_;
  const table::TableMetadata& metadata_;
  const CompactionRules& rules_;
  const int64_t now_ms_;
  std::map<table::SnapshotId, int64_t> received_;
  std::map<PartitionKey, PartitionFiles> partitions_;
  std::vector<SequenceNumber> global_deletes_;
  CompactionPlan plan_;
};

}  // namespace

CompactionPlan PlanCompaction(io::ObjectStore& store, const table::TableMetadata& metadata,
                              const CompactionRules& rules, Timestamp now) {
  return Planner(store, metadata, rules, now).Plan();
}

TableShape MeasureShape(io::ObjectStore& store, const table::TableMetadata& metadata, const CompactionRules& rules) {
  return PlanCompaction(store, metadata, rules, Timestamp()).shape;
}

bool StillStands(io::ObjectStore& store, const table::TableMetadata& base, const CompactionPlan& plan,
                 const std::vector<CompactionGroup>& groups) {
  const auto* head = base.current_snapshot();
  if (head == nullptr) return false;
  std::set<std::string> there;
  std::vector<table::ManifestFile> fresh;
  for (auto& manifest : table::ReadManifestList(store, *head)) {
    there.insert(manifest.manifest_path);
    if (!plan.manifests.contains(manifest.manifest_path)) fresh.push_back(std::move(manifest));
  }
  std::set<std::string> sought;
  std::set<PartitionKey> partitions;
  for (const auto& group : groups) {
    partitions.insert({group.spec_id, group.partition});
    for (const auto& file : group.files) {
      if (!there.contains(plan.manifest_of_file.at(file.file_path))) sought.insert(file.file_path);
    }
  }
  bool deleted_from = false;
  for (const auto& manifest : fresh) {
    const bool deletes = manifest.content == table::ManifestContent::kDeletes;
    if (!manifest.may_have_live_files() || (!deletes && sought.empty())) continue;
    table::ForEachEntry(store, base, manifest, [&](const ManifestEntry& entry) {
      if (entry.status == table::EntryStatus::kDeleted) return;
      sought.erase(entry.file.file_path);
      const bool late = entry.sequence_number.value_or(SequenceNumber(0)) > plan.sequence;
      deleted_from = deleted_from || (late && entry.file.content == FileContent::kPositionDeletes &&
                                      partitions.contains({entry.file.spec_id, entry.file.partition}));
    });
  }
  return sought.empty() && !deleted_from;
}

}  // namespace millrace::refine
