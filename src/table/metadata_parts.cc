#include "table/metadata_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "base/error.h"
#include "table/transform.h"

namespace millrace::table {
namespace {

using nlohmann::json;
using schema::JsonObject;

[[noreturn]] void Wrong(const std::string& why) { throw Error(ErrorCode::kData, "table metadata: " + why); }

/// v3 may write several sources; one is as before, more are no transform of v2.
schema::FieldId ParseSource(const JsonObject& object) {
  if (object.Maybe("source-id") != nullptr) return schema::FieldId(object.Int32("source-id"));
  const json& sources = object.Array("source-ids");
  if (sources.size() != 1 || !sources[0].is_number_integer()) {
    Wrong(object.PathOf("source-ids") + " has several columns; transforms of several columns cannot be read yet");
  }
  return schema::FieldId(sources[0].get<int32_t>());
}

SortField ParseSortField(const JsonObject& object) {
  const std::string& direction = object.String("direction");
  const std::string& nulls = object.String("null-order");
  if (direction != "asc" && direction != "desc") Wrong(object.PathOf("direction") + " is neither asc nor desc");
  if (nulls != "nulls-first" && nulls != "nulls-last")
    Wrong(object.PathOf("null-order") + " is neither nulls-first nor nulls-last");
  return {.source_id = ParseSource(object),
          .transform = ParseTransform(object.String("transform")),
          .ascending = direction == "asc",
          .nulls_first = nulls == "nulls-first"};
}

}  // namespace

bool HasDefault(const json& type) {
  if (type.is_array()) return std::ranges::any_of(type, HasDefault);
  if (!type.is_object()) return false;
  if (type.contains("initial-default") || type.contains("write-default")) return true;
  return std::ranges::any_of(std::initializer_list<const char*>{"fields", "type", "element", "key", "value"},
                             [&](const char* part) { return type.contains(part) && HasDefault(type[part]); });
}

schema::Schema SchemaToKeep(const json& schema) {
  auto kept = schema::SchemaFromJson(schema);
  if (HasDefault(schema)) {
    throw Error(ErrorCode::kData,
                "the schema gives a column a default value, which is not written here; leave `initial-default` and "
                "`write-default` out");
  }
  return kept;
}

std::map<std::string, std::string> ParseStrings(const JsonObject& object, const char* member) {
  std::map<std::string, std::string> strings;
  const json* value = object.Maybe(member);
  if (value == nullptr) return strings;
  const JsonObject map(*value, object.PathOf(member));
  for (const auto& [key, text] : value->items()) {
    if (!text.is_string()) Wrong(map.PathOf(key.c_str()) + " is not a string");
    strings.emplace(key, text.get<std::string>());
  }
  return strings;
}

std::vector<PartitionField> ParsePartitionFields(const JsonObject& object, const char* member) {
  auto fields = ParseList<PartitionField>(object, member, [](const JsonObject& one) {
    return PartitionField{.source_id = ParseSource(one),
                          .field_id = one.MaybeInt32("field-id").value_or(0),
                          .name = one.String("name"),
                          .transform = ParseTransform(one.String("transform"))};
  });
  // v1 may leave the ids out: they count from 1000 (spec, "Partition Evolution").
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].field_id == 0) fields[i].field_id = kFirstPartitionFieldId + static_cast<int32_t>(i);
  }
  return fields;
}

PartitionSpec SpecFromJson(const JsonObject& object) {
  object.Array("fields");
  return {.spec_id = object.Int32("spec-id"), .fields = ParsePartitionFields(object, "fields")};
}

SortOrder SortOrderFromJson(const JsonObject& object) {
  return {.order_id = object.Int32("order-id"), .fields = ParseList<SortField>(object, "fields", ParseSortField)};
}

Snapshot SnapshotFromJson(const JsonObject& object) {
  Snapshot snapshot{.snapshot_id = SnapshotId(object.Int64("snapshot-id")),
                    .sequence_number = SequenceNumber(object.MaybeInt64("sequence-number").value_or(0)),
                    .timestamp_ms = object.Int64("timestamp-ms"),
                    .summary = ParseStrings(object, "summary"),
                    .schema_id = object.MaybeInt32("schema-id"),
                    .first_row_id = object.MaybeInt64("first-row-id"),
                    .added_rows = object.MaybeInt64("added-rows")};
  if (snapshot.first_row_id.value_or(0) < 0 || snapshot.added_rows.value_or(0) < 0) {
    Wrong(object.PathOf("first-row-id") + " or added-rows is negative");
  }
  if (const auto parent = object.MaybeInt64("parent-snapshot-id"); parent && *parent != -1) {
    snapshot.parent_snapshot_id = SnapshotId(*parent);
  }
  if (object.Maybe("manifest-list") == nullptr && object.Maybe("manifests") != nullptr) {
    Wrong(object.PathOf("manifests") +
          " lists manifests inline, a form of format v1 that cannot be read; rewrite the table's "
          "metadata with the engine that wrote it");
  }
  snapshot.manifest_list = object.String("manifest-list");
  return snapshot;
}

SnapshotRef RefFromJson(const JsonObject& object) {
  SnapshotRef ref{.snapshot_id = SnapshotId(object.Int64("snapshot-id")),
                  .type = object.String("type"),
                  .min_snapshots_to_keep = object.MaybeInt32("min-snapshots-to-keep"),
                  .max_snapshot_age_ms = object.MaybeInt64("max-snapshot-age-ms"),
                  .max_ref_age_ms = object.MaybeInt64("max-ref-age-ms")};
  if (ref.type != "branch" && ref.type != "tag") Wrong(object.PathOf("type") + " is neither branch nor tag");
  return ref;
}

}  // namespace millrace::table
