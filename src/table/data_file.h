#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/strong_id.h"
#include "schema/schema.h"
#include "table/value.h"

namespace millrace::table {

using SnapshotId = StrongId<int64_t, struct SnapshotIdTag>;
using SequenceNumber = StrongId<int64_t, struct SequenceNumberTag>;

enum class FileContent { kData = 0, kPositionDeletes = 1, kEqualityDeletes = 2 };  // frozen: spec values

/// One data or delete file (Iceberg spec, "Manifests", data_file). Counts that are not known are absent.
struct DataFile {
  FileContent content = FileContent::kData;
  std::string file_path = {};  // absolute URI
  std::string file_format = "PARQUET";
  int32_t spec_id = 0;
  /// One value a partition field of the spec, in its order; absent: null.
  std::vector<std::optional<Value>> partition = {};
  int64_t record_count = 0;
  int64_t file_size_in_bytes = 0;
  std::map<schema::FieldId, int64_t> column_sizes = {};
  std::map<schema::FieldId, int64_t> value_counts = {};  // nulls and NaNs included
  std::map<schema::FieldId, int64_t> null_value_counts = {};
  std::map<schema::FieldId, int64_t> nan_value_counts = {};
  std::map<schema::FieldId, std::string> lower_bounds = {};  // Iceberg's single-value binary form
  std::map<schema::FieldId, std::string> upper_bounds = {};
  std::vector<int64_t> split_offsets = {};
  std::vector<schema::FieldId> equality_ids = {};
  std::optional<int32_t> sort_order_id = {};
  std::optional<std::string> key_metadata = {};          // other writers': kept as it came
  std::optional<std::string> referenced_data_file = {};  // position deletes that are all of one data file
  /// Where the blob of a deletion vector lies in its Puffin file (format v3).
  std::optional<int64_t> content_offset = {};
  std::optional<int64_t> content_size_in_bytes = {};
  /// The row id of its first row, where rows have none of their own (format v3); a file that is added inherits it.
  std::optional<int64_t> first_row_id = {};
};

enum class EntryStatus { kExisting = 0, kAdded = 1, kDeleted = 2 };  // frozen: spec values

struct ManifestEntry {
  EntryStatus status = EntryStatus::kAdded;
  std::optional<SnapshotId> snapshot_id = {};
  std::optional<SequenceNumber> sequence_number = {};       // null on ADDED: inherited
  std::optional<SequenceNumber> file_sequence_number = {};  // likewise
  DataFile file = {};
};

}  // namespace millrace::table
