#include "table/expire.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "table/live_files.h"
#include "table/manifest.h"
#include "table/table_property.h"

namespace millrace::table {
namespace {

constexpr std::string_view kMain = "main";
constexpr std::string_view kPositions = "millrace.positions.";
constexpr std::string_view kReplayPositions = "millrace.positions.replay:";
constexpr std::string_view kQuarantinePositions = "millrace.positions.quarantine:";
constexpr std::string_view kQuarantined = "millrace.quarantine.from.";
constexpr int64_t kAgeMaxDefaultMs = int64_t{5} * 24 * 3600 * 1000;

constexpr int64_t kNoMaximum = std::numeric_limits<int64_t>::max();

struct Limits {
  int64_t age_max_ms = 0;
  int64_t count_min = 1;
  int64_t count_max = kNoMaximum;
};

class ExpiryPlanner {
 public:
  ExpiryPlanner(const TableMetadata& base, const ExpiryRules& rules, Timestamp now)
      : base_(base),
        now_ms_(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count()),
        limits_{rules.snapshot_age_max ? rules.snapshot_age_max->count()
                                       : IntegerProperty(base, "history.expire.max-snapshot-age-ms", kAgeMaxDefaultMs),
                std::max<int64_t>(
                    1, rules.snapshots_min.value_or(IntegerProperty(base, "history.expire.min-snapshots-to-keep", 1))),
                rules.snapshots_max.value_or(kNoMaximum)},
        needed_(rules.needed) {}

  Expiry Plan() {
    Expiry expiry;
    for (const auto& [name, ref] : base_.refs) {
      if (name != kMain && ref.max_ref_age_ms && Age(ref.snapshot_id) > *ref.max_ref_age_ms) {
        expiry.dropped_refs.push_back(name);
      } else {
        KeepRef(name, ref);
      }
    }
    // A table whose refs were never written still has its current snapshot.
    if (base_.current_snapshot_id && !base_.refs.contains(std::string(kMain)))
      KeepBranch(*base_.current_snapshot_id, limits_);
    KeepPositions();
    KeepYoungLooseOnes();
    for (const Snapshot& snapshot : base_.snapshots) {
      if (!kept_.contains(snapshot.snapshot_id)) expiry.expired.push_back(snapshot.snapshot_id);
    }
    expiry.change = Change(expiry);
    return expiry;
  }

 private:
  int64_t Age(SnapshotId id) const {
    const Snapshot* snapshot = base_.FindSnapshot(id);
    return snapshot == nullptr ? 0 : now_ms_ - snapshot->timestamp_ms;
  }

  void KeepRef(const std::string& name, const SnapshotRef& ref) {
    if (ref.type == "tag") {
      kept_.insert(ref.snapshot_id);
      known_.insert(ref.snapshot_id);
      return;
    }
    KeepBranch(ref.snapshot_id,
               {ref.max_snapshot_age_ms.value_or(limits_.age_max_ms),
                std::max<int64_t>(1, ref.min_snapshots_to_keep.value_or(static_cast<int32_t>(limits_.count_min))),
                name == kMain ? limits_.count_max : kNoMaximum});
  }

  /// From the head back: the first that is too old or one too many, once there are enough, ends it with all behind it;
  /// a snapshot that is needed is reached first.
  void KeepBranch(SnapshotId head, const Limits& limits) {
    int64_t count = 0;
    bool keeping = true;
    std::set<SnapshotId> walked;
    std::vector<SnapshotId> since_needed;
    for (const Snapshot* snapshot = base_.FindSnapshot(head); snapshot != nullptr;) {
      if (!walked.insert(snapshot->snapshot_id).second) return;
      known_.insert(snapshot->snapshot_id);
      if (count < limits.count_max && limits.count_max != kNoMaximum) oldest_of_main_ = snapshot->sequence_number;
      keeping = keeping && (count < limits.count_min ||
                            (count < limits.count_max && now_ms_ - snapshot->timestamp_ms <= limits.age_max_ms));
      if (keeping) kept_.insert(snapshot->snapshot_id);
      since_needed.push_back(snapshot->snapshot_id);
      if (needed_.contains(snapshot->snapshot_id)) {
        kept_.insert(since_needed.begin(), since_needed.end());
        since_needed.clear();
      }
      ++count;
      snapshot = snapshot->parent_snapshot_id ? base_.FindSnapshot(*snapshot->parent_snapshot_id) : nullptr;
    }
  }

  /// Of whatever says how far somebody came, the newest. What was replayed is remembered by the property alone.
  void KeepPositions() {
    std::set<std::string> wanted;
    for (const auto& [name, value] : base_.properties) {
      const bool settled = name.starts_with(kReplayPositions) || name.starts_with(kQuarantinePositions);
      if (name.starts_with(kPositions) && !settled) wanted.insert(name);
    }
    std::set<std::string> seen;
    std::set<SnapshotId> walked;
    for (const Snapshot* snapshot = base_.current_snapshot(); snapshot != nullptr;) {
      if (!walked.insert(snapshot->snapshot_id).second) return;
      for (const auto& [name, value] : snapshot->summary) {
        const bool tells = wanted.contains(name) || name.starts_with(kQuarantined);
        if (tells && seen.insert(name).second) kept_.insert(snapshot->snapshot_id);
      }
      snapshot = snapshot->parent_snapshot_id ? base_.FindSnapshot(*snapshot->parent_snapshot_id) : nullptr;
    }
  }

  /// Snapshots of no branch or tag (staged, rolled back, or cut off because what came after them went) go by age, and
  /// with those of main when there may be no more of these.
  void KeepYoungLooseOnes() {
    for (const Snapshot& snapshot : base_.snapshots) {
      const bool loose = !known_.contains(snapshot.snapshot_id);
      const bool one_too_many = snapshot.sequence_number < oldest_of_main_;
      if (loose && !one_too_many && now_ms_ - snapshot.timestamp_ms <= limits_.age_max_ms) {
        kept_.insert(snapshot.snapshot_id);
      }
    }
  }

  TableChange Change(const Expiry& expiry) const {
    TableChange change;
    if (expiry.expired.empty() && expiry.dropped_refs.empty()) return change;
    change.requirements.push_back(AssertTableUuid{base_.table_uuid});
    for (const auto& [name, ref] : base_.refs) {
      change.requirements.push_back(AssertRefSnapshotId{name, ref.snapshot_id});
    }
    for (const std::string& name : expiry.dropped_refs) change.updates.push_back(RemoveSnapshotRef{name});
    if (!expiry.expired.empty()) change.updates.push_back(RemoveSnapshots{expiry.expired});
    return change;
  }

  const TableMetadata& base_;
  const int64_t now_ms_;
  const Limits limits_;
  const std::set<SnapshotId> needed_;
  SequenceNumber oldest_of_main_{0};  // of those that its maximum lets stay; 0: there is none
  std::set<SnapshotId> kept_;
  std::set<SnapshotId> known_;  // reached by a ref, kept or not
};

}  // namespace

Expiry PlanExpiry(const TableMetadata& base, const ExpiryRules& rules, Timestamp now) {
  return ExpiryPlanner(base, rules, now).Plan();
}

std::vector<std::string> UnreachableObjects(io::ObjectStore& store, const TableMetadata& before,
                                            const TableMetadata& after) {
  std::map<std::string, ManifestFile> reached;
  std::set<std::string> lists;
  for (const Snapshot& snapshot : after.snapshots) {
    lists.insert(snapshot.manifest_list);
    for (ManifestFile& manifest : ReadManifestList(store, snapshot)) {
      reached.emplace(manifest.manifest_path, std::move(manifest));
    }
  }
  std::set<std::string> gone_lists;
  std::map<std::string, ManifestFile> gone;
  for (const Snapshot& snapshot : before.snapshots) {
    if (after.FindSnapshot(snapshot.snapshot_id) != nullptr) continue;
    if (!lists.contains(snapshot.manifest_list)) gone_lists.insert(snapshot.manifest_list);
    for (ManifestFile& manifest : ReadManifestList(store, snapshot)) {
      if (!reached.contains(manifest.manifest_path)) gone.emplace(manifest.manifest_path, std::move(manifest));
    }
  }
  std::set<std::string> files;
  for (const auto& [path, manifest] : gone) {
    ForEachEntry(store, before, manifest, [&](const ManifestEntry& entry) { files.insert(entry.file.file_path); });
  }
  // A manifest that stays may tell of the deletion of a file that another snapshot, now gone, still had.
  const auto gone_snapshot = [&](const std::optional<SnapshotId>& id) {
    return id && before.FindSnapshot(*id) != nullptr && after.FindSnapshot(*id) == nullptr;
  };
  for (const auto& [path, manifest] : reached) {
    if (manifest.deleted_files_count == 0) continue;
    ForEachEntry(store, after, manifest, [&](const ManifestEntry& entry) {
      if (entry.status == EntryStatus::kDeleted && gone_snapshot(entry.snapshot_id)) files.insert(entry.file.file_path);
    });
  }
  for (auto manifest = reached.begin(); manifest != reached.end() && !files.empty(); ++manifest) {
    if (!manifest->second.may_have_live_files()) continue;
    ForEachEntry(store, after, manifest->second, [&](const ManifestEntry& entry) {
      if (entry.status != EntryStatus::kDeleted) files.erase(entry.file.file_path);
    });
  }
  std::vector<std::string> objects(files.begin(), files.end());
  for (const auto& [path, manifest] : gone) objects.push_back(path);
  objects.insert(objects.end(), gone_lists.begin(), gone_lists.end());
  return objects;
}

}  // namespace millrace::table
