#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "table/metadata.h"

/// What a commit asks of a catalogue: requirements that must hold of the table as it is now, then updates, all or
/// nothing (Iceberg REST spec, CommitTableRequest; each alternative has the JSON of its name).
namespace millrace::table {

struct AssertCreate {};
struct AssertTableUuid {
  std::string uuid = {};
};
struct AssertRefSnapshotId {
  std::string ref = {};
  std::optional<SnapshotId> snapshot_id = {};  // null: the ref must not exist
};
struct AssertLastAssignedFieldId {
  int32_t id = 0;
};
struct AssertCurrentSchemaId {
  int32_t id = 0;
};
struct AssertLastAssignedPartitionId {
  int32_t id = 0;
};
struct AssertDefaultSpecId {
  int32_t id = 0;
};
struct AssertDefaultSortOrderId {
  int32_t id = 0;
};
using Requirement =
    std::variant<AssertCreate, AssertTableUuid, AssertRefSnapshotId, AssertLastAssignedFieldId, AssertCurrentSchemaId,
                 AssertLastAssignedPartitionId, AssertDefaultSpecId, AssertDefaultSortOrderId>;

struct AssignUuid {
  std::string uuid = {};
};
struct UpgradeFormatVersion {
  int32_t version = 2;
};
struct AddSchema {
  schema::Schema schema = {};
  int32_t last_column_id = 0;
};
struct SetCurrentSchema {
  int32_t schema_id = -1;  // -1: the last one added by this commit
};
struct AddPartitionSpec {
  PartitionSpec spec = {};
};
struct SetDefaultSpec {
  int32_t spec_id = -1;
};
struct AddSortOrder {
  SortOrder order = {};
};
struct SetDefaultSortOrder {
  int32_t order_id = -1;
};
struct AddSnapshot {
  Snapshot snapshot = {};
};
struct SetSnapshotRef {
  std::string name = {};
  SnapshotRef ref = {};
};
struct RemoveSnapshotRef {
  std::string name = {};
};
struct RemoveSnapshots {
  std::vector<SnapshotId> ids = {};
};
struct SetLocation {
  std::string location = {};
};
struct SetProperties {
  std::map<std::string, std::string> updates = {};
};
struct RemoveProperties {
  std::vector<std::string> removals = {};
};
struct RemovePartitionSpecs {
  std::vector<int32_t> ids = {};
};
struct RemoveSchemas {
  std::vector<int32_t> ids = {};
};
/// What a file of statistics holds is nothing to us: it is kept as it came, in place of the one of the same snapshot.
struct SetStatistics {
  bool of_partitions = false;
  SnapshotId snapshot_id = {};
  std::string file = {};  // JSON: StatisticsFile or PartitionStatisticsFile of the spec
};
struct RemoveStatistics {
  bool of_partitions = false;
  SnapshotId snapshot_id = {};
};
using Update = std::variant<AssignUuid, UpgradeFormatVersion, AddSchema, SetCurrentSchema, AddPartitionSpec,
                            SetDefaultSpec, AddSortOrder, SetDefaultSortOrder, AddSnapshot, SetSnapshotRef,
                            RemoveSnapshotRef, RemoveSnapshots, SetLocation, SetProperties, RemoveProperties,
                            RemovePartitionSpecs, RemoveSchemas, SetStatistics, RemoveStatistics>;

/// The first requirement that does not hold, in one sentence; nullopt when all hold. `base` null: there is no table.
std::optional<std::string> Unmet(const std::vector<Requirement>& requirements, const TableMetadata* base);

/// Why another writer has been there although every requirement holds: a snapshot whose number the table has passed, on
/// whatever branch. Who meant it reads again; nullopt otherwise.
std::optional<std::string> Overtaken(const std::vector<Update>& updates, const TableMetadata& base);

/// `base` with the updates applied and every log kept (snapshot-log, last-updated-ms, last-sequence-number). Error
/// kInternal for an update that cannot apply.
TableMetadata Apply(TableMetadata base, const std::vector<Update>& updates, Timestamp now);

}  // namespace millrace::table
