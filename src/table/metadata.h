#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "schema/schema.h"
#include "table/data_file.h"

/// Table metadata, format v2 and v3 (Iceberg spec, "Table Metadata"). Plain data; parse and print keep what they do not
/// know.
namespace millrace::table {

struct Transform {
  enum class Kind { kIdentity, kBucket, kTruncate, kYear, kMonth, kDay, kHour, kVoid, kUnknown };
  Kind kind = Kind::kIdentity;
  int32_t parameter = 0;  // bucket: N, truncate: W
  std::string text = {};  // kUnknown: as it was written
  friend bool operator==(const Transform&, const Transform&) = default;
};
std::string ToString(const Transform& transform);  // "bucket[16]"

struct PartitionField {
  schema::FieldId source_id = {};
  int32_t field_id = 0;  // from 1000 on
  std::string name = {};
  Transform transform = {};
  friend bool operator==(const PartitionField&, const PartitionField&) = default;
};
struct PartitionSpec {
  int32_t spec_id = 0;
  std::vector<PartitionField> fields = {};
};

struct SortField {
  schema::FieldId source_id = {};
  Transform transform = {};
  bool ascending = true;
  bool nulls_first = true;
};
struct SortOrder {
  int32_t order_id = 0;  // 0: unsorted
  std::vector<SortField> fields = {};
};

using Summary = std::map<std::string, std::string>;

struct Snapshot {
  SnapshotId snapshot_id = {};
  std::optional<SnapshotId> parent_snapshot_id = {};
  SequenceNumber sequence_number = {};
  int64_t timestamp_ms = 0;
  std::string manifest_list = {};
  Summary summary = {};  // "operation" among them
  std::optional<int32_t> schema_id = {};
  /// Format v3: the table's next_row_id when it was made, and how many ids it took from there on. Absent in snapshots
  /// of before an upgrade.
  std::optional<int64_t> first_row_id = {};
  std::optional<int64_t> added_rows = {};
};

struct SnapshotRef {
  SnapshotId snapshot_id = {};
  std::string type = {};  // "branch" | "tag"
  std::optional<int32_t> min_snapshots_to_keep = {};
  std::optional<int64_t> max_snapshot_age_ms = {};
  std::optional<int64_t> max_ref_age_ms = {};
};

struct TableMetadata {
  int32_t format_version = 2;
  std::string table_uuid = {};
  std::string location = {};
  int64_t last_sequence_number = 0;
  int64_t last_updated_ms = 0;
  int32_t last_column_id = 0;
  std::vector<schema::Schema> schemas = {};
  int32_t current_schema_id = 0;
  std::vector<PartitionSpec> partition_specs = {};
  int32_t default_spec_id = 0;
  int32_t last_partition_id = 999;
  std::map<std::string, std::string> properties = {};
  std::optional<SnapshotId> current_snapshot_id = {};
  std::vector<Snapshot> snapshots = {};
  struct LogEntry {
    int64_t timestamp_ms = 0;
    SnapshotId snapshot_id = {};
  };
  std::vector<LogEntry> snapshot_log = {};
  struct MetadataLogEntry {
    int64_t timestamp_ms = 0;
    std::string metadata_file = {};
  };
  std::vector<MetadataLogEntry> metadata_log = {};
  std::vector<SortOrder> sort_orders = {};
  int32_t default_sort_order_id = 0;
  std::map<std::string, SnapshotRef> refs = {};
  int64_t next_row_id = 0;  // format v3
  /// A feature of format v3 that this program would lose if it wrote the table ("default values of columns"); empty:
  /// none.
  std::string lost_on_write = {};
  /// Members this version does not model (statistics, partition-statistics, ...), kept as they came, as JSON text.
  std::string unmodelled = {};

  const schema::Schema& schema() const;  // current; Error kData when the id dangles
  const PartitionSpec& spec() const;     // default
  const PartitionSpec* FindSpec(int32_t spec_id) const;
  const schema::Schema* FindSchema(int32_t schema_id) const;
  const Snapshot* FindSnapshot(SnapshotId id) const;
  const Snapshot* current_snapshot() const;  // null: empty table
  const SortOrder* FindSortOrder(int32_t order_id) const;
};

/// Metadata larger than this is refused, unpacked or not: it comes from outside.
inline constexpr size_t kMetadataBytesMax = size_t{256} << 20;

/// Reads metadata JSON, v1 upgraded to v2 in memory and v3 as it is; gzip is undone by the caller. Error kData with the
/// member that is wrong.
TableMetadata ParseMetadata(std::string_view json);
/// Format v2 or v3. Error kStop as CheckWritable.
std::string PrintMetadata(const TableMetadata& metadata);

/// Parts of it, as they are also sent to catalogues.
nlohmann::json ToJson(const PartitionSpec& spec);
nlohmann::json ToJson(const SortOrder& order);
nlohmann::json ToJson(const Snapshot& snapshot);
nlohmann::json ToJson(const SnapshotRef& ref);

/// The formats that tables are written in; the first is that of a table which names none.
inline constexpr int32_t kFormatDefault = 2;
inline constexpr int32_t kFormatNewest = 3;

/// Error kStop unless this program may write the table: one sentence about what it has that would be lost.
void CheckWritable(const TableMetadata& metadata);

}  // namespace millrace::table
