#include <nlohmann/json.hpp>

#include "base/error.h"
#include "table/metadata.h"

/// Table metadata as JSON, format v2 and v3 (Iceberg spec, appendix C). Absent optional members are left out, as
/// pyiceberg does.
namespace millrace::table {
namespace {

using nlohmann::json;

template <typename Items, typename Print>
json ListOf(const Items& items, Print print) {
  json array = json::array();
  for (const auto& item : items) array.push_back(print(item));
  return array;
}

}  // namespace

json ToJson(const PartitionSpec& spec) {
  return {{"spec-id", spec.spec_id}, {"fields", ListOf(spec.fields, [](const PartitionField& field) -> json {
                                        return {{"source-id", field.source_id.value()},
                                                {"field-id", field.field_id},
                                                {"transform", ToString(field.transform)},
                                                {"name", field.name}};
                                      })}};
}

json ToJson(const SortOrder& order) {
  return {{"order-id", order.order_id}, {"fields", ListOf(order.fields, [](const SortField& field) -> json {
                                           return {{"source-id", field.source_id.value()},
                                                   {"transform", ToString(field.transform)},
                                                   {"direction", field.ascending ? "asc" : "desc"},
                                                   {"null-order", field.nulls_first ? "nulls-first" : "nulls-last"}};
                                         })}};
}

json ToJson(const Snapshot& snapshot) {
  json object = {{"snapshot-id", snapshot.snapshot_id.value()},
                 {"sequence-number", snapshot.sequence_number.value()},
                 {"timestamp-ms", snapshot.timestamp_ms},
                 {"manifest-list", snapshot.manifest_list},
                 {"summary", snapshot.summary}};
  if (snapshot.parent_snapshot_id) object["parent-snapshot-id"] = snapshot.parent_snapshot_id->value();
  if (snapshot.schema_id) object["schema-id"] = *snapshot.schema_id;
  if (snapshot.first_row_id) object["first-row-id"] = *snapshot.first_row_id;
  if (snapshot.added_rows) object["added-rows"] = *snapshot.added_rows;
  return object;
}

json ToJson(const SnapshotRef& ref) {
  json object = {{"snapshot-id", ref.snapshot_id.value()}, {"type", ref.type}};
  if (ref.min_snapshots_to_keep) object["min-snapshots-to-keep"] = *ref.min_snapshots_to_keep;
  if (ref.max_snapshot_age_ms) object["max-snapshot-age-ms"] = *ref.max_snapshot_age_ms;
  if (ref.max_ref_age_ms) object["max-ref-age-ms"] = *ref.max_ref_age_ms;
  return object;
}

std::string PrintMetadata(const TableMetadata& metadata) {
  CheckWritable(metadata);
  json object = metadata.unmodelled.empty() ? json::object() : json::parse(metadata.unmodelled);
  object["format-version"] = metadata.format_version;
  object["table-uuid"] = metadata.table_uuid;
  object["location"] = metadata.location;
  object["last-sequence-number"] = metadata.last_sequence_number;
  object["last-updated-ms"] = metadata.last_updated_ms;
  object["last-column-id"] = metadata.last_column_id;
  if (metadata.format_version > 2) object["next-row-id"] = metadata.next_row_id;
  object["schemas"] = ListOf(metadata.schemas, [](const schema::Schema& one) { return ToJson(one); });
  object["current-schema-id"] = metadata.current_schema_id;
  object["partition-specs"] = ListOf(metadata.partition_specs, [](const PartitionSpec& one) { return ToJson(one); });
  object["default-spec-id"] = metadata.default_spec_id;
  object["last-partition-id"] = metadata.last_partition_id;
  object["properties"] = metadata.properties;
  if (metadata.current_snapshot_id) object["current-snapshot-id"] = metadata.current_snapshot_id->value();
  object["snapshots"] = ListOf(metadata.snapshots, [](const Snapshot& one) { return ToJson(one); });
  object["snapshot-log"] = ListOf(metadata.snapshot_log, [](const TableMetadata::LogEntry& one) -> json {
    return {{"timestamp-ms", one.timestamp_ms}, {"snapshot-id", one.snapshot_id.value()}};
  });
  object["metadata-log"] = ListOf(metadata.metadata_log, [](const TableMetadata::MetadataLogEntry& one) -> json {
    return {{"timestamp-ms", one.timestamp_ms}, {"metadata-file", one.metadata_file}};
  });
  object["sort-orders"] = ListOf(metadata.sort_orders, [](const SortOrder& one) { return ToJson(one); });
  object["default-sort-order-id"] = metadata.default_sort_order_id;
  object["refs"] = json::object();
  for (const auto& [name, ref] : metadata.refs) object["refs"][name] = ToJson(ref);
  try {
    return object.dump();
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kData, std::string("table metadata cannot be written as JSON: ") + error.what());
  }
}

}  // namespace millrace::table
