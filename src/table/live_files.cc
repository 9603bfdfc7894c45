#include "table/live_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "table/delete_files.h"

namespace millrace::table {
namespace {

std::string OperationOf(const Snapshot& snapshot) {
  const auto found = snapshot.summary.find("operation");
  return found == snapshot.summary.end() ? std::string() : found->second;
}

/// Oldest first; nullopt when the walk back does not meet `after`.
std::optional<std::vector<const Snapshot*>> Range(const TableMetadata& metadata, std::optional<SnapshotId> after,
                                                  const Snapshot& upto) {
  std::vector<const Snapshot*> range;
  const Snapshot* snapshot = &upto;
  while (after != snapshot->snapshot_id) {
    range.push_back(snapshot);
    const auto parent = snapshot->parent_snapshot_id;
    if (!parent) {
      if (after) return std::nullopt;
      break;
    }
    if (after == parent) break;
    snapshot = metadata.FindSnapshot(*parent);
    if (snapshot == nullptr || range.size() > metadata.snapshots.size()) return std::nullopt;
  }
  std::reverse(range.begin(), range.end());
  return range;
}

/// A file is ADDED only in a manifest that the snapshot itself wrote. False when it added deletes as well.
bool Append(io::ObjectStore& store, const TableMetadata& metadata, const Snapshot& snapshot,
            std::vector<ManifestEntry>& files) {
  for (const ManifestFile& manifest : ReadManifestList(store, snapshot)) {
    const bool own = manifest.added_snapshot_id == snapshot.snapshot_id && manifest.added_files_count != 0;
    if (!own) continue;
    if (manifest.content != ManifestContent::kData) return false;
    ForEachEntry(store, metadata, manifest, [&](ManifestEntry entry) {
      if (entry.status == EntryStatus::kAdded && entry.snapshot_id == snapshot.snapshot_id) {
        files.push_back(std::move(entry));
      }
    });
  }
  return true;
}

}  // namespace

void ForEachLiveFile(io::ObjectStore& store, const TableMetadata& metadata, const Snapshot& snapshot,
                     const ManifestFilter& wanted, const std::function<void(ManifestEntry)>& visit) {
  std::vector<ManifestFile> manifests = ReadManifestList(store, snapshot);
  if (wanted) std::erase_if(manifests, [&](const ManifestFile& manifest) { return !wanted(manifest); });
  ForEachLiveFile(store, metadata, manifests, visit);
}

void ForEachLiveFile(io::ObjectStore& store, const TableMetadata& metadata, const std::vector<ManifestFile>& manifests,
                     const std::function<void(ManifestEntry)>& visit) {
  for (const ManifestFile& manifest : manifests) {
    if (!manifest.may_have_live_files()) continue;
    ForEachEntry(store, metadata, manifest, [&](ManifestEntry entry) {
      if (entry.status != EntryStatus::kDeleted) visit(std::move(entry));
    });
  }
}

Increment FilesAddedBetween(io::ObjectStore& store, const TableMetadata& metadata, std::optional<SnapshotId> after,
                            SnapshotId upto) {
  const Snapshot* last = metadata.FindSnapshot(upto);
  if (last == nullptr) {
    throw Error(ErrorCode::kData, fmt::format("the table has no snapshot {}: it may have been expired", upto.value()));
  }
  const auto range = Range(metadata, after, *last);
  if (!range) return Disconnected{};
  for (const Snapshot* snapshot : *range) {
    std::string operation = OperationOf(*snapshot);
    if (operation != "append" && operation != "replace") {
      return NotAppendOnly{snapshot->snapshot_id, std::move(operation)};
    }
  }
  AddedFiles added;
  for (const Snapshot* snapshot : *range) {
    if (OperationOf(*snapshot) == "append" && !Append(store, metadata, *snapshot, added.files)) {
      return NotAppendOnly{snapshot->snapshot_id, "append of deletes"};
    }
  }
  return added;
}

std::optional<ChangedFiles> FilesChangedBetween(io::ObjectStore& store, const TableMetadata& metadata,
                                                std::optional<SnapshotId> after, SnapshotId upto) {
  const Snapshot* last = metadata.FindSnapshot(upto);
  const auto range = last == nullptr ? std::nullopt : Range(metadata, after, *last);
  if (!range) return std::nullopt;
  std::map<std::string, DataFile> added;
  ChangedFiles changed;
  for (const Snapshot* snapshot : *range) {
    for (const ManifestFile& manifest : ReadManifestList(store, *snapshot)) {
      if (manifest.added_snapshot_id != snapshot->snapshot_id) continue;
      ForEachEntry(store, metadata, manifest, [&](ManifestEntry entry) {
        if (entry.snapshot_id != snapshot->snapshot_id || entry.status == EntryStatus::kExisting) return;
        const std::string path = NameOf(entry.file);
        if (entry.status == EntryStatus::kAdded) {
          added.emplace(path, std::move(entry.file));
        } else if (added.erase(path) == 0) {
          changed.removed.insert(path);
        }
      });
    }
  }
  for (auto& [path, file] : added) changed.added.push_back(std::move(file));
  return changed;
}

}  // namespace millrace::table
