#include <fmt/format.h>

#include "table/update.h"

namespace millrace::table {
namespace {

std::string Text(const std::optional<SnapshotId>& id) { return id ? std::to_string(id->value()) : "none"; }

/// "<what>: expected <want>, found <have>", or nothing when they are equal. The words before the colon are those of
/// Apache's catalogues: clients and their users know them.
template <typename T>
std::optional<std::string> Differs(const char* what, const T& have, const T& want) {
  if (have == want) return std::nullopt;
  return fmt::format("{}: expected {}, found {}", what, want, have);
}

std::optional<std::string> UnmetOne(const AssertRefSnapshotId& wanted, const TableMetadata& base) {
  const auto found = base.refs.find(wanted.ref);
  const auto have = found == base.refs.end() ? std::nullopt : std::optional(found->second.snapshot_id);
  if (have == wanted.snapshot_id) return std::nullopt;
  return fmt::format("the ref {} is at snapshot {}, not {}", wanted.ref, Text(have), Text(wanted.snapshot_id));
}
std::optional<std::string> UnmetOne(const AssertCreate&, const TableMetadata&) { return "table already exists"; }
std::optional<std::string> UnmetOne(const AssertTableUuid& wanted, const TableMetadata& base) {
  return Differs("UUID does not match", base.table_uuid, wanted.uuid);
}
std::optional<std::string> UnmetOne(const AssertLastAssignedFieldId& wanted, const TableMetadata& base) {
  return Differs("last assigned field id changed", base.last_column_id, wanted.id);
}
std::optional<std::string> UnmetOne(const AssertCurrentSchemaId& wanted, const TableMetadata& base) {
  return Differs("current schema changed", base.current_schema_id, wanted.id);
}
std::optional<std::string> UnmetOne(const AssertLastAssignedPartitionId& wanted, const TableMetadata& base) {
  return Differs("last assigned partition id changed", base.last_partition_id, wanted.id);
}
std::optional<std::string> UnmetOne(const AssertDefaultSpecId& wanted, const TableMetadata& base) {
  return Differs("default partition spec changed", base.default_spec_id, wanted.id);
}
std::optional<std::string> UnmetOne(const AssertDefaultSortOrderId& wanted, const TableMetadata& base) {
  return Differs("default sort order changed", base.default_sort_order_id, wanted.id);
}

}  // namespace

std::optional<std::string> Unmet(const std::vector<Requirement>& requirements, const TableMetadata* base) {
  for (const Requirement& requirement : requirements) {
    if (base == nullptr) {
      if (!std::holds_alternative<AssertCreate>(requirement)) return "there is no such table";
      continue;
    }
    auto why = std::visit([&](const auto& one) { return UnmetOne(one, *base); }, requirement);
    if (why) return why;
  }
  return std::nullopt;
}

std::optional<std::string> Overtaken(const std::vector<Update>& updates, const TableMetadata& base) {
  for (const Update& update : updates) {
    const auto* added = std::get_if<AddSnapshot>(&update);
    if (added == nullptr) continue;
    if (added->snapshot.first_row_id && *added->snapshot.first_row_id < base.next_row_id) {
      return fmt::format("first-row-id {} is behind the table's next-row-id {}: another writer was faster",
                         *added->snapshot.first_row_id, base.next_row_id);
    }
    if (!added->snapshot.parent_snapshot_id) continue;
    if (added->snapshot.sequence_number.value() > base.last_sequence_number) return std::nullopt;
    return fmt::format("sequence number {} is not above the table's {}: another writer was faster",
                       added->snapshot.sequence_number.value(), base.last_sequence_number);
  }
  return std::nullopt;
}

}  // namespace millrace::table
