#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "table/manifest_writer.h"
#include "table/snapshot_summary.h"

namespace millrace::table {

/// What a commit needs to write manifests of any spec and content.
using OpenManifestWriter = std::function<ManifestWriter(int32_t spec_id, ManifestContent content)>;

/// A manifest of the base after files were removed from it.
struct RewrittenManifest {
  bool changed = false;               // false: carry the base's manifest over
  std::vector<ManifestFile> written;  // instead of it
  std::set<std::string> removed_paths;
  SummaryCounts counts;
};

/// Removes the live files for which `goes` is true: they become DELETED, the other live ones EXISTING, both with the
/// sequence numbers they have; what was deleted before is forgotten.
RewrittenManifest RemoveFiles(io::ObjectStore& store, const TableMetadata& metadata, const ManifestFile& manifest,
                              SnapshotId removed_by, const std::function<bool(const DataFile&)>& goes,
                              const OpenManifestWriter& open_writer);

/// Runs of small manifests of one spec and content, each to become one manifest; everything else stands alone. Keeps
/// the order of the list. Nothing is merged unless at least `count_min` of a kind are below `bytes_target`.
std::vector<std::vector<ManifestFile>> PlanMerges(const std::vector<ManifestFile>& manifests, int64_t bytes_target,
                                                  int64_t count_min);

/// The live entries of several manifests of one spec and content as EXISTING ones, in the order of their partitions, so
/// that a predicate leaves out manifests. Memory holds the entries of a bin of PlanMerges.
std::vector<ManifestFile> MergeManifests(io::ObjectStore& store, const TableMetadata& metadata,
                                         const std::vector<ManifestFile>& manifests,
                                         const OpenManifestWriter& open_writer);

/// Fills the counts that a v1 list left out, by reading the manifest.
void FillCounts(io::ObjectStore& store, const TableMetadata& metadata, ManifestFile& manifest);

}  // namespace millrace::table
