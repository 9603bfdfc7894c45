#include "table/metadata.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace millrace::table {
namespace {

template <typename Items, typename Matches>
auto FindIf(const Items& items, Matches matches) -> const typename Items::value_type* {
  const auto found = std::find_if(items.begin(), items.end(), matches);
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

const schema::Schema* TableMetadata::FindSchema(int32_t schema_id) const {
  return FindIf(schemas, [&](const schema::Schema& one) { return one.schema_id == schema_id; });
}

const PartitionSpec* TableMetadata::FindSpec(int32_t spec_id) const {
  return FindIf(partition_specs, [&](const PartitionSpec& one) { return one.spec_id == spec_id; });
}

const SortOrder* TableMetadata::FindSortOrder(int32_t order_id) const {
  return FindIf(sort_orders, [&](const SortOrder& one) { return one.order_id == order_id; });
}

const Snapshot* TableMetadata::FindSnapshot(SnapshotId id) const {
  return FindIf(snapshots, [&](const Snapshot& one) { return one.snapshot_id == id; });
}

const schema::Schema& TableMetadata::schema() const {
  const schema::Schema* found = FindSchema(current_schema_id);
  if (found == nullptr)
    throw Error(ErrorCode::kData, fmt::format("current-schema-id {} names no schema", current_schema_id));
  return *found;
}

const PartitionSpec& TableMetadata::spec() const {
  const PartitionSpec* found = FindSpec(default_spec_id);
  if (found == nullptr)
    throw Error(ErrorCode::kData, fmt::format("default-spec-id {} names no partition spec", default_spec_id));
  return *found;
}

const Snapshot* TableMetadata::current_snapshot() const {
  return current_snapshot_id ? FindSnapshot(*current_snapshot_id) : nullptr;
}

void CheckWritable(const TableMetadata& metadata) {
  if (metadata.format_version < kFormatDefault || metadata.format_version > kFormatNewest) {
    throw Error(ErrorCode::kStop,
                fmt::format("the table has Iceberg format version {}, which is not written here; write to a table of "
                            "format version {} or {}",
                            metadata.format_version, kFormatDefault, kFormatNewest));
  }
  if (metadata.lost_on_write.empty()) return;
  throw Error(ErrorCode::kStop,
              fmt::format("the table has {}, which are read past here and would be lost by a commit; write it with the "
                          "engine that gave it them, or land in another table",
                          metadata.lost_on_write));
}

}  // namespace millrace::table
