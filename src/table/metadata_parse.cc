#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "schema/json_object.h"
#include "table/metadata_parts.h"

/// Table metadata from JSON (Iceberg spec, appendix C, "Table Metadata and Snapshots").
namespace millrace::table {
namespace {

using nlohmann::json;
using schema::JsonObject;

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
                                     "refs",
                                     "next-row-id"};

[[noreturn]] void Wrong(const std::string& why) { throw Error(ErrorCode::kData, "table metadata: " + why); }

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
    if (metadata_.format_version > 2) ParseFeatures();
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
      metadata_.partition_specs = ParseList<PartitionSpec>(root_, "partition-specs", SpecFromJson);
      metadata_.default_spec_id = root_.Int32("default-spec-id");
    }
    int32_t highest = kFirstPartitionFieldId - 1;
    for (const PartitionSpec& spec : metadata_.partition_specs) {
      for (const PartitionField& field : spec.fields) highest = std::max(highest, field.field_id);
    }
    metadata_.last_partition_id = root_.MaybeInt32("last-partition-id").value_or(highest);
  }

  void ParseSortOrders() {
    metadata_.sort_orders = ParseList<SortOrder>(root_, "sort-orders", SortOrderFromJson);
    if (metadata_.sort_orders.empty()) metadata_.sort_orders.emplace_back();
    metadata_.default_sort_order_id = root_.MaybeInt32("default-sort-order-id").value_or(0);
  }

  void ParseSnapshots() {
    const auto current = root_.MaybeInt64("current-snapshot-id");
    if (current && *current != -1) metadata_.current_snapshot_id = SnapshotId(*current);
    metadata_.snapshots = ParseList<Snapshot>(root_, "snapshots", SnapshotFromJson);
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
        metadata_.refs.emplace(name, RefFromJson(JsonObject(ref, object.PathOf(name.c_str()))));
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

  /// What came with v3.
  void ParseFeatures() {
    // Drafts of v3 did not have it; an upgrade begins at 0 as well.
    metadata_.next_row_id = root_.MaybeInt64("next-row-id").value_or(0);
    if (metadata_.next_row_id < 0) Wrong("next-row-id is negative");
    const auto encrypted = [](const json& snapshot) { return snapshot.contains("key-id"); };
    const json* keys = root_.Maybe("encryption-keys");
    const json* snapshots = root_.Maybe("snapshots");
    if (HasDefault(root_.Array("schemas"))) {
      metadata_.lost_on_write = "default values of columns";
    } else if ((keys != nullptr && !keys->empty()) ||
               (snapshots != nullptr && std::ranges::any_of(*snapshots, encrypted))) {
      metadata_.lost_on_write = "encryption keys";
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
  return MetadataFromJson(schema::ParseJson(text, "table metadata"));
}

TableMetadata MetadataFromJson(const json& document) { return MetadataParser(document).Parse(); }

}  // namespace millrace::table
