#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "schema/json_object.h"
#include "table/metadata.h"
#include "table/transform.h"

/// Table metadata from JSON (Iceberg spec, appendix C, "Table Metadata and Snapshots").
namespace millrace::table {
namespace {

using nlohmann::json;
using schema::JsonObject;

constexpr int32_t kFirstPartitionFieldId = 1000;

/// Members that TableMetadata models; all others are kept in `unmodelled`.
constexpr const char* kModelled[] = {"format-version",
                                     "table-uuid",
                                     "location",
                                     "last-sequence-number",
                                     "last-updated-ms",
                                     "last-column-id",
                                     "schema",
                                     "schemas",
                                     "current-schema-id",
                                     "partition-spec",
                                     "partition-specs",
                                     "default-spec-id",
                                     "properties",
                                     "last-partition-id",
                                     "current-snapshot-id",
                                     "snapshots",
                                     "snapshot-log",
                                     "metadata-log",
                                     "sort-orders",
                                     "default-sort-order-id",
                                     "refs"};

[[noreturn]] void Wrong(const std::string& why) { throw Error(ErrorCode::kData, "table metadata: " + why); }

template <typename Item, typename Parse>
std::vector<Item> ParseList(const JsonObject& object, const char* member, Parse parse) {
  std::vector<Item> items;
  const json* array = object.MaybeArray(member);
  if (array == nullptr) return items;
  items.reserve(array->size());
  for (size_t i = 0; i < array->size(); ++i) items.push_back(parse(JsonObject((*array)[i], object.PathOf(member, i))));
  return items;
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

/// v3 may write several sources; one is as before, more are no transform of v2.
schema::FieldId ParseSource(const JsonObject& object) {
  if (object.Maybe("source-id") != nullptr) return schema::FieldId(object.Int32("source-id"));
  const json& sources = object.Array("source-ids");
  if (sources.size() != 1 || !sources[0].is_number_integer()) {
    Wrong(object.PathOf("source-ids") + " has several columns; transforms of several columns cannot be read yet");
  }
  return schema::FieldId(sources[0].get<int32_t>());
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

PartitionSpec ParseSpec(const JsonObject& object) {
  object.Array("fields");
  return {.spec_id = object.Int32("spec-id"), .fields = ParsePartitionFields(object, "fields")};
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

SortOrder ParseSortOrderObject(const JsonObject& object) {
  return {.order_id = object.Int32("order-id"), .fields = ParseList<SortField>(object, "fields", ParseSortField)};
}

Snapshot ParseSnapshot(const JsonObject& object) {
  Snapshot snapshot{.snapshot_id = SnapshotId(object.Int64("snapshot-id")),
                    .sequence_number = SequenceNumber(object.MaybeInt64("sequence-number").value_or(0)),
                    .timestamp_ms = object.Int64("timestamp-ms"),
                    .summary = ParseStrings(object, "summary"),
                    .schema_id = object.MaybeInt32("schema-id")};
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

SnapshotRef ParseRef(const JsonObject& object) {
  SnapshotRef ref{.snapshot_id = SnapshotId(object.Int64("snapshot-id")),
                  .type = object.String("type"),
                  .min_snapshots_to_keep = object.MaybeInt32("min-snapshots-to-keep"),
                  .max_snapshot_age_ms = object.MaybeInt64("max-snapshot-age-ms"),
                  .max_ref_age_ms = object.MaybeInt64("max-ref-age-ms")};
  if (ref.type != "branch" && ref.type != "tag") Wrong(object.PathOf("type") + " is neither branch nor tag");
  return ref;
}

class MetadataParser {
 public:
  explicit MetadataParser(const json& document) : root_(document, "") {}

  TableMetadata Parse() {
    metadata_.format_version = root_.Int32("format-version");
    if (metadata_.format_version < 1 || metadata_.format_version > 3) {
      Wrong(fmt::format("format version {} is not known here; versions 1 to 3 are", metadata_.format_version));
    }
    ParseHead();
    ParseSchemas();
    ParseSpecs();
    ParseSortOrders();
    ParseSnapshots();
    ParseRefs();
    KeepTheRest();
    if (metadata_.format_version == 1) metadata_.format_version = 2;
    CheckReferences();
    return std::move(metadata_);
  }

 private:
  void ParseHead() {
    if (metadata_.format_version > 1) {
      metadata_.table_uuid = root_.String("table-uuid");
      metadata_.last_sequence_number = root_.Int64("last-sequence-number");
    } else if (const std::string* uuid = root_.MaybeString("table-uuid")) {
      metadata_.table_uuid = *uuid;
    }
    metadata_.location = root_.String("location");
    metadata_.last_updated_ms = root_.Int64("last-updated-ms");
    metadata_.last_column_id = root_.Int32("last-column-id");
    metadata_.properties = ParseStrings(root_, "properties");
  }

  void ParseSchemas() {
    if (metadata_.format_version == 1 && root_.Maybe("schemas") == nullptr) {
      metadata_.schemas.push_back(schema::SchemaFromJson(root_.Member("schema")));
      metadata_.current_schema_id = metadata_.schemas.front().schema_id;
      return;
    }
    const json& schemas = root_.Array("schemas");
    for (size_t i = 0; i < schemas.size(); ++i) {
      metadata_.schemas.push_back(
          WithContext(root_.PathOf("schemas", i), [&] { return schema::SchemaFromJson(schemas[i]); }));
    }
    metadata_.current_schema_id = root_.Int32("current-schema-id");
  }

  void ParseSpecs() {
    if (metadata_.format_version == 1 && root_.Maybe("partition-specs") == nullptr) {
      root_.Array("partition-spec");
      metadata_.partition_specs.push_back({.spec_id = 0, .fields = ParsePartitionFields(root_, "partition-spec")});
      metadata_.default_spec_id = 0;
    } else {
      root_.Array("partition-specs");
      metadata_.partition_specs = ParseList<PartitionSpec>(root_, "partition-specs", ParseSpec);
      metadata_.default_spec_id = root_.Int32("default-spec-id");
    }
    int32_t highest = kFirstPartitionFieldId - 1;
    for (const PartitionSpec& spec : metadata_.partition_specs) {
      for (const PartitionField& field : spec.fields) highest = std::max(highest, field.field_id);
    }
    metadata_.last_partition_id = root_.MaybeInt32("last-partition-id").value_or(highest);
  }

  void ParseSortOrders() {
    metadata_.sort_orders = ParseList<SortOrder>(root_, "sort-orders", ParseSortOrderObject);
    if (metadata_.sort_orders.empty()) metadata_.sort_orders.emplace_back();
    metadata_.default_sort_order_id = root_.MaybeInt32("default-sort-order-id").value_or(0);
  }

  void ParseSnapshots() {
    const auto current = root_.MaybeInt64("current-snapshot-id");
    if (current && *current != -1) metadata_.current_snapshot_id = SnapshotId(*current);
    metadata_.snapshots = ParseList<Snapshot>(root_, "snapshots", ParseSnapshot);
    metadata_.snapshot_log = ParseList<TableMetadata::LogEntry>(root_, "snapshot-log", [](const JsonObject& one) {
      return TableMetadata::LogEntry{.timestamp_ms = one.Int64("timestamp-ms"),
                                     .snapshot_id = SnapshotId(one.Int64("snapshot-id"))};
    });
    metadata_.metadata_log =
        ParseList<TableMetadata::MetadataLogEntry>(root_, "metadata-log", [](const JsonObject& one) {
          return TableMetadata::MetadataLogEntry{.timestamp_ms = one.Int64("timestamp-ms"),
                                                 .metadata_file = one.String("metadata-file")};
        });
  }

  void ParseRefs() {
    if (const json* refs = root_.Maybe("refs")) {
      const JsonObject object(*refs, "refs");
      for (const auto& [name, ref] : refs->items()) {
        metadata_.refs.emplace(name, ParseRef(JsonObject(ref, object.PathOf(name.c_str()))));
      }
    }
    const auto main = metadata_.refs.find("main");
    if (main == metadata_.refs.end()) {
      if (metadata_.current_snapshot_id) {
        metadata_.refs.emplace("main", SnapshotRef{.snapshot_id = *metadata_.current_snapshot_id, .type = "branch"});
      }
    } else if (main->second.snapshot_id != metadata_.current_snapshot_id) {
      Wrong("current-snapshot-id is not the snapshot of the branch main");
    }
  }

  void KeepTheRest() {
    json rest = root_.value();
    for (const char* member : kModelled) rest.erase(member);
    if (!rest.empty()) metadata_.unmodelled = rest.dump();
  }

  void CheckReferences() const {
    metadata_.schema();
    metadata_.spec();
    if (metadata_.FindSortOrder(metadata_.default_sort_order_id) == nullptr)
      Wrong("default-sort-order-id names no sort order");
    std::set<SnapshotId> ids;
    for (const Snapshot& snapshot : metadata_.snapshots) {
      if (!ids.insert(snapshot.snapshot_id).second)
        Wrong(fmt::format("snapshot {} is listed twice", snapshot.snapshot_id.value()));
    }
    for (const auto& [name, ref] : metadata_.refs) {
      if (!ids.contains(ref.snapshot_id))
        Wrong(fmt::format("refs.{} names snapshot {}, which is not listed", name, ref.snapshot_id.value()));
    }
  }

  JsonObject root_;
  TableMetadata metadata_;
};

}  // namespace

TableMetadata ParseMetadata(std::string_view text) {
  if (text.size() > kMetadataBytesMax) {
    Wrong(fmt::format("{} bytes are more than the {} that are read", text.size(), kMetadataBytesMax));
  }
  const json document = schema::ParseJson(text, "table metadata");
  return MetadataParser(document).Parse();
}

}  // namespace millrace::table
