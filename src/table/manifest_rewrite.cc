#include "table/manifest_rewrite.h"

#include <algorithm>
#include <map>
#include <utility>

#include "table/delete_files.h"

namespace millrace::table {
namespace {

/// Both of one spec; nulls first.
bool BeforeByPartition(const DataFile& left, const DataFile& right) {
  return std::lexicographical_compare(left.partition.begin(), left.partition.end(), right.partition.begin(),
                                      right.partition.end(),
                                      [](const std::optional<Value>& a, const std::optional<Value>& b) {
                                        return !a || !b ? b.has_value() && !a.has_value() : Compare(*a, *b) < 0;
                                      });
}

}  // namespace

RewrittenManifest RemoveFiles(io::ObjectStore& store, const TableMetadata& metadata, const ManifestFile& manifest,
                              SnapshotId removed_by, const std::function<bool(const DataFile&)>& goes,
                              const OpenManifestWriter& open_writer) {
  RewrittenManifest rewritten;
  std::vector<ManifestEntry> entries = ReadManifest(store, metadata, manifest);
  std::erase_if(entries, [](const ManifestEntry& entry) { return entry.status == EntryStatus::kDeleted; });
  for (ManifestEntry& entry : entries) {
    entry.status = goes(entry.file) ? EntryStatus::kDeleted : EntryStatus::kExisting;
    if (entry.status == EntryStatus::kExisting) continue;
    entry.snapshot_id = removed_by;
    rewritten.removed_paths.insert(NameOf(entry.file));
    rewritten.counts.Removed(entry.file);
  }
  rewritten.changed = !rewritten.removed_paths.empty();
  if (!rewritten.changed) return rewritten;
  ManifestWriter writer = open_writer(manifest.partition_spec_id, manifest.content);
  for (const ManifestEntry& entry : entries) writer.Add(entry);
  rewritten.written = std::move(writer).Finish();
  return rewritten;
}

std::vector<std::vector<ManifestFile>> PlanMerges(const std::vector<ManifestFile>& manifests, int64_t bytes_target,
                                                  int64_t count_min) {
  using Kind = std::pair<int32_t, ManifestContent>;
  const auto kind_of = [](const ManifestFile& file) { return Kind(file.partition_spec_id, file.content); };
  std::map<Kind, int64_t> small;
  for (const ManifestFile& file : manifests) {
    if (file.manifest_length < bytes_target) ++small[kind_of(file)];
  }
  struct OpenBin {
    size_t index = 0;
    int64_t bytes = 0;
  };
  std::map<Kind, OpenBin> open;
  std::vector<std::vector<ManifestFile>> bins;
  for (const ManifestFile& file : manifests) {
    const Kind kind = kind_of(file);
    const bool merges = file.manifest_length < bytes_target && small[kind] >= count_min;
    const auto bin = open.find(kind);
    if (merges && bin != open.end() && bin->second.bytes + file.manifest_length <= bytes_target) {
      bins[bin->second.index].push_back(file);
      bin->second.bytes += file.manifest_length;
      continue;
    }
    if (merges) open[kind] = {bins.size(), file.manifest_length};
    bins.push_back({file});
  }
  return bins;
}

std::vector<ManifestFile> MergeManifests(io::ObjectStore& store, const TableMetadata& metadata,
                                         const std::vector<ManifestFile>& manifests,
                                         const OpenManifestWriter& open_writer) {
  std::vector<ManifestEntry> entries;
  for (const ManifestFile& manifest : manifests) {
    ForEachEntry(store, metadata, manifest, [&](ManifestEntry entry) {
      if (entry.status == EntryStatus::kDeleted) return;
      entry.status = EntryStatus::kExisting;
      entries.push_back(std::move(entry));
    });
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const ManifestEntry& a, const ManifestEntry& b) { return BeforeByPartition(a.file, b.file); });
  ManifestWriter writer = open_writer(manifests.front().partition_spec_id, manifests.front().content);
  for (const ManifestEntry& entry : entries) writer.Add(entry);
  return std::move(writer).Finish();
}

void FillCounts(io::ObjectStore& store, const TableMetadata& metadata, ManifestFile& manifest) {
  if (manifest.added_files_count != kUnknownCount && manifest.existing_files_count != kUnknownCount &&
      manifest.deleted_files_count != kUnknownCount && manifest.added_rows_count != kUnknownCount &&
      manifest.existing_rows_count != kUnknownCount && manifest.deleted_rows_count != kUnknownCount) {
    return;
  }
  manifest.added_files_count = manifest.existing_files_count = manifest.deleted_files_count = 0;
  manifest.added_rows_count = manifest.existing_rows_count = manifest.deleted_rows_count = 0;
  ForEachEntry(store, metadata, manifest, [&](const ManifestEntry& entry) {
    const auto count = [&](int32_t& files, int64_t& rows) {
      ++files;
      rows += entry.file.record_count;
    };
    switch (entry.status) {
      case EntryStatus::kAdded:
        return count(manifest.added_files_count, manifest.added_rows_count);
      case EntryStatus::kExisting:
        return count(manifest.existing_files_count, manifest.existing_rows_count);
      case EntryStatus::kDeleted:
        return count(manifest.deleted_files_count, manifest.deleted_rows_count);
    }
  });
}

}  // namespace millrace::table
