#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "io/object_store.h"
#include "table/manifest.h"
#include "table/metadata.h"

namespace millrace::table {

/// Called once a manifest; false: none of its files matters, and it is not read.
using ManifestFilter = std::function<bool(const ManifestFile&)>;

/// Every data and delete file of a snapshot that is not deleted, manifest by manifest, so that memory holds one
/// manifest at a time. `wanted` may be empty. Files that an earlier snapshot of a fresh table lacks a list for: none.
void ForEachLiveFile(io::ObjectStore& store, const TableMetadata& metadata, const Snapshot& snapshot,
                     const ManifestFilter& wanted, const std::function<void(ManifestEntry)>& visit);

/// The same for many manifests that are in hand already, in their order.
void ForEachLiveFile(io::ObjectStore& store, const TableMetadata& metadata, const std::vector<ManifestFile>& manifests,
                     const std::function<void(ManifestEntry)>& visit);

/// What came between two snapshots, oldest first.
struct AddedFiles {
  std::vector<ManifestEntry> files;
};
/// A snapshot in between took rows away or changed them: an increment cannot say that.
struct NotAppendOnly {
  SnapshotId snapshot_id;
  std::string operation;
};
/// `after` is no ancestor of `upto` that is still known: expired, or the table was rolled back.
struct Disconnected {};
using Increment = std::variant<AddedFiles, NotAppendOnly, Disconnected>;

/// The data files that snapshots after `after` (exclusive; none: the table's beginning) up to `upto` (inclusive)
/// appended. Snapshots of operation "replace" change no rows and are passed over. Error kData when `upto` is not in the
/// table.
Increment FilesAddedBetween(io::ObjectStore& store, const TableMetadata& metadata, std::optional<SnapshotId> after,
                            SnapshotId upto);

/// What the snapshots after `after` (exclusive; none: the beginning) up to `upto` (inclusive) did to the table's files,
/// taken together: a file that came and went in between is in neither. nullopt when `after` is no known ancestor.
struct ChangedFiles {
  std::vector<DataFile> added;
  std::set<std::string> removed;  // by NameOf
};
std::optional<ChangedFiles> FilesChangedBetween(io::ObjectStore& store, const TableMetadata& metadata,
                                                std::optional<SnapshotId> after, SnapshotId upto);

}  // namespace millrace::table
