#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "table/data_file.h"
#include "table/metadata.h"

namespace millrace::table {

enum class ManifestContent { kData = 0, kDeletes = 1 };  // frozen: spec values

/// Per partition field, over every file of a manifest (Iceberg spec, field_summary).
struct FieldSummary {
  bool contains_null = false;
  std::optional<bool> contains_nan = {};
  std::optional<std::string> lower_bound = {};
  std::optional<std::string> upper_bound = {};
};

/// A count that a v1 manifest list leaves out.
inline constexpr int32_t kUnknownCount = -1;

/// One line of a manifest list (Iceberg spec, manifest_file). Only v1 lists have unknown counts.
struct ManifestFile {
  std::string manifest_path = {};  // absolute URI
  int64_t manifest_length = 0;
  int32_t partition_spec_id = 0;
  ManifestContent content = ManifestContent::kData;
  SequenceNumber sequence_number = {};
  SequenceNumber min_sequence_number = {};
  SnapshotId added_snapshot_id = {};
  int32_t added_files_count = 0;  // or kUnknownCount, like the five below
  int32_t existing_files_count = 0;
  int32_t deleted_files_count = 0;
  int64_t added_rows_count = 0;
  int64_t existing_rows_count = 0;
  int64_t deleted_rows_count = 0;
  std::vector<FieldSummary> partitions = {};
  std::optional<std::string> key_metadata = {};  // other writers': kept as it came
  std::optional<int64_t> first_row_id = {};      // format v3, of data: where ids of rows that have none begin

  /// May be false only when it is known that no entry is added or existing.
  bool may_have_live_files() const { return added_files_count != 0 || existing_files_count != 0; }
};

/// The manifests of a snapshot. Error kData naming the object when it cannot be read.
std::vector<ManifestFile> ReadManifestList(io::ObjectStore& store, const Snapshot& snapshot);

/// Every entry of a manifest, sequence numbers and snapshot ids inherited from `manifest` where they are null.
/// Partition values are typed by the manifest's own spec, looked up in `metadata`.
std::vector<ManifestEntry> ReadManifest(io::ObjectStore& store, const TableMetadata& metadata,
                                        const ManifestFile& manifest);
/// The same, one entry at a time.
void ForEachEntry(io::ObjectStore& store, const TableMetadata& metadata, const ManifestFile& manifest,
                  const std::function<void(ManifestEntry)>& visit);

}  // namespace millrace::table
