#include "table/update_json.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "table/metadata_parts.h"

namespace millrace::table {
namespace {

using nlohmann::json;
using schema::JsonObject;

json Print(const AssertCreate&) { return {{"type", "assert-create"}}; }
json Print(const AssertTableUuid& one) { return {{"type", "assert-table-uuid"}, {"uuid", one.uuid}}; }
json Print(const AssertRefSnapshotId& one) {
  return {{"type", "assert-ref-snapshot-id"},
          {"ref", one.ref},
          {"snapshot-id", one.snapshot_id ? json(one.snapshot_id->value()) : json(nullptr)}};
}
json Print(const AssertLastAssignedFieldId& one) {
  return {{"type", "assert-last-assigned-field-id"}, {"last-assigned-field-id", one.id}};
}
json Print(const AssertCurrentSchemaId& one) {
  return {{"type", "assert-current-schema-id"}, {"current-schema-id", one.id}};
}
json Print(const AssertLastAssignedPartitionId& one) {
  return {{"type", "assert-last-assigned-partition-id"}, {"last-assigned-partition-id", one.id}};
}
json Print(const AssertDefaultSpecId& one) { return {{"type", "assert-default-spec-id"}, {"default-spec-id", one.id}}; }
json Print(const AssertDefaultSortOrderId& one) {
  return {{"type", "assert-default-sort-order-id"}, {"default-sort-order-id", one.id}};
}

json Print(const AssignUuid& one) { return {{"action", "assign-uuid"}, {"uuid", one.uuid}}; }
json Print(const UpgradeFormatVersion& one) {
  return {{"action", "upgrade-format-version"}, {"format-version", one.version}};
}
json Print(const AddSchema& one) {
  return {{"action", "add-schema"}, {"schema", schema::ToJson(one.schema)}, {"last-column-id", one.last_column_id}};
}
json Print(const SetCurrentSchema& one) { return {{"action", "set-current-schema"}, {"schema-id", one.schema_id}}; }
json Print(const AddPartitionSpec& one) { return {{"action", "add-spec"}, {"spec", ToJson(one.spec)}}; }
json Print(const SetDefaultSpec& one) { return {{"action", "set-default-spec"}, {"spec-id", one.spec_id}}; }
json Print(const AddSortOrder& one) { return {{"action", "add-sort-order"}, {"sort-order", ToJson(one.order)}}; }
json Print(const SetDefaultSortOrder& one) {
  return {{"action", "set-default-sort-order"}, {"sort-order-id", one.order_id}};
}
json Print(const AddSnapshot& one) { return {{"action", "add-snapshot"}, {"snapshot", ToJson(one.snapshot)}}; }
json Print(const SetSnapshotRef& one) {
  json object = ToJson(one.ref);
  object["action"] = "set-snapshot-ref";
  object["ref-name"] = one.name;
  return object;
}
json Print(const RemoveSnapshotRef& one) { return {{"action", "remove-snapshot-ref"}, {"ref-name", one.name}}; }
json Print(const RemoveSnapshots& one) {
  json ids = json::array();
  for (const SnapshotId id : one.ids) ids.push_back(id.value());
  return {{"action", "remove-snapshots"}, {"snapshot-ids", std::move(ids)}};
}
json Print(const SetLocation& one) { return {{"action", "set-location"}, {"location", one.location}}; }
json Print(const SetProperties& one) { return {{"action", "set-properties"}, {"updates", one.updates}}; }
json Print(const RemoveProperties& one) { return {{"action", "remove-properties"}, {"removals", one.removals}}; }
json Print(const RemovePartitionSpecs& one) { return {{"action", "remove-partition-specs"}, {"spec-ids", one.ids}}; }
json Print(const RemoveSchemas& one) { return {{"action", "remove-schemas"}, {"schema-ids", one.ids}}; }
json Print(const SetStatistics& one) {
  if (one.of_partitions) {
    return {{"action", "set-partition-statistics"}, {"partition-statistics", json::parse(one.file)}};
  }
  return {
      {"action", "set-statistics"}, {"snapshot-id", one.snapshot_id.value()}, {"statistics", json::parse(one.file)}};
}
json Print(const RemoveStatistics& one) {
  return {{"action", one.of_partitions ? "remove-partition-statistics" : "remove-statistics"},
          {"snapshot-id", one.snapshot_id.value()}};
}

std::vector<int32_t> Ids(const JsonObject& object, const char* member) {
  std::vector<int32_t> ids;
  for (const json& id : object.Array(member)) {
    if (!id.is_number_integer()) throw Error(ErrorCode::kData, std::string(member) + " holds what is no integer");
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

/// The snapshot is the file's own, as older clients name it beside the file too.
SetStatistics Statistics(const JsonObject& object, const char* member, bool of_partitions) {
  const JsonObject file(object.Member(member), object.PathOf(member));
  return {.of_partitions = of_partitions,
          .snapshot_id = SnapshotId(file.Int64("snapshot-id")),
          .file = file.value().dump()};
}

std::vector<SnapshotId> SnapshotIds(const JsonObject& object) {
  std::vector<SnapshotId> ids;
  for (const json& id : object.Array("snapshot-ids")) {
    if (!id.is_number_integer()) throw Error(ErrorCode::kData, "snapshot-ids holds what is no integer");
    ids.emplace_back(id.get<int64_t>());
  }
  return ids;
}

std::vector<std::string> Removals(const JsonObject& object) {
  std::vector<std::string> removals;
  for (const json& key : object.Array("removals")) {
    if (!key.is_string()) throw Error(ErrorCode::kData, "removals holds what is no string");
    removals.push_back(key.get<std::string>());
  }
  return removals;
}

/// A spec that a client adds may leave its id to the catalogue.
PartitionSpec AddedSpec(const JsonObject& object) {
  object.Array("fields");
  return {.spec_id = object.MaybeInt32("spec-id").value_or(0), .fields = ParsePartitionFields(object, "fields")};
}

JsonObject Part(const JsonObject& object, const char* member) { return {object.Member(member), object.PathOf(member)}; }

AssertRefSnapshotId ParseAssertRef(const JsonObject& object) {
  AssertRefSnapshotId one{.ref = object.String("ref")};
  if (const auto id = object.MaybeInt64("snapshot-id")) one.snapshot_id = SnapshotId(*id);
  return one;
}

/// One row a kind: the word that names it, and how it is read.
template <typename Alternatives>
struct Kind {
  std::string_view word;
  Alternatives (*parse)(const JsonObject&);
};

constexpr Kind<Requirement> kRequirements[] = {
    {"assert-create", [](const JsonObject&) -> Requirement { return AssertCreate{}; }},
    {"assert-table-uuid",
     [](const JsonObject& object) -> Requirement { return AssertTableUuid{object.String("uuid")}; }},
    {"assert-ref-snapshot-id", [](const JsonObject& object) -> Requirement { return ParseAssertRef(object); }},
    {"assert-last-assigned-field-id",
     [](const JsonObject& object) -> Requirement {
       return AssertLastAssignedFieldId{object.Int32("last-assigned-field-id")};
     }},
    {"assert-current-schema-id",
     [](const JsonObject& object) -> Requirement { return AssertCurrentSchemaId{object.Int32("current-schema-id")}; }},
    {"assert-last-assigned-partition-id",
     [](const JsonObject& object) -> Requirement {
       return AssertLastAssignedPartitionId{object.Int32("last-assigned-partition-id")};
     }},
    {"assert-default-spec-id",
     [](const JsonObject& object) -> Requirement { return AssertDefaultSpecId{object.Int32("default-spec-id")}; }},
    {"assert-default-sort-order-id",
     [](const JsonObject& object) -> Requirement {
       return AssertDefaultSortOrderId{object.Int32("default-sort-order-id")};
     }},
};

constexpr Kind<Update> kUpdates[] = {
    {"assign-uuid", [](const JsonObject& object) -> Update { return AssignUuid{object.String("uuid")}; }},
    {"upgrade-format-version",
     [](const JsonObject& object) -> Update { return UpgradeFormatVersion{object.Int32("format-version")}; }},
    {"add-schema",
     [](const JsonObject& object) -> Update {
       AddSchema one{.schema = SchemaToKeep(object.Member("schema"))};
       one.last_column_id = object.MaybeInt32("last-column-id").value_or(one.schema.highest_id().value());
       return one;
     }},
    {"set-current-schema",
     [](const JsonObject& object) -> Update { return SetCurrentSchema{object.Int32("schema-id")}; }},
    {"add-spec", [](const JsonObject& object) -> Update { return AddPartitionSpec{AddedSpec(Part(object, "spec"))}; }},
    {"set-default-spec", [](const JsonObject& object) -> Update { return SetDefaultSpec{object.Int32("spec-id")}; }},
    {"add-sort-order",
     [](const JsonObject& object) -> Update { return AddSortOrder{SortOrderFromJson(Part(object, "sort-order"))}; }},
    {"set-default-sort-order",
     [](const JsonObject& object) -> Update { return SetDefaultSortOrder{object.Int32("sort-order-id")}; }},
    {"add-snapshot",
     [](const JsonObject& object) -> Update { return AddSnapshot{SnapshotFromJson(Part(object, "snapshot"))}; }},
    {"set-snapshot-ref",
     [](const JsonObject& object) -> Update {
       return SetSnapshotRef{object.String("ref-name"), RefFromJson(object)};
     }},
    {"remove-snapshot-ref",
     [](const JsonObject& object) -> Update { return RemoveSnapshotRef{object.String("ref-name")}; }},
    {"remove-snapshots", [](const JsonObject& object) -> Update { return RemoveSnapshots{SnapshotIds(object)}; }},
    {"set-location", [](const JsonObject& object) -> Update { return SetLocation{object.String("location")}; }},
    {"set-properties",
     [](const JsonObject& object) -> Update { return SetProperties{ParseStrings(object, "updates")}; }},
    {"remove-properties", [](const JsonObject& object) -> Update { return RemoveProperties{Removals(object)}; }},
    {"remove-partition-specs",
     [](const JsonObject& object) -> Update { return RemovePartitionSpecs{Ids(object, "spec-ids")}; }},
    {"remove-schemas", [](const JsonObject& object) -> Update { return RemoveSchemas{Ids(object, "schema-ids")}; }},
    {"set-statistics", [](const JsonObject& object) -> Update { return Statistics(object, "statistics", false); }},
    {"set-partition-statistics",
     [](const JsonObject& object) -> Update { return Statistics(object, "partition-statistics", true); }},
    {"remove-statistics",
     [](const JsonObject& object) -> Update {
       return RemoveStatistics{.of_partitions = false, .snapshot_id = SnapshotId(object.Int64("snapshot-id"))};
     }},
    {"remove-partition-statistics",
     [](const JsonObject& object) -> Update {
       return RemoveStatistics{.of_partitions = true, .snapshot_id = SnapshotId(object.Int64("snapshot-id"))};
     }},
};

template <typename Alternatives, size_t count>
Alternatives Parse(const json& value, const char* member, const Kind<Alternatives> (&kinds)[count]) {
  const JsonObject object(value, "");
  const std::string& word = object.String(member);
  for (const auto& kind : kinds) {
    if (kind.word == word) return WithContext(word, [&] { return kind.parse(object); });
  }
  throw Error(ErrorCode::kData, std::string(member) + " '" + word + "' is not known here");
}

}  // namespace

json ToJson(const Requirement& requirement) {
  return std::visit([](const auto& one) { return Print(one); }, requirement);
}

json ToJson(const Update& update) {
  return std::visit([](const auto& one) { return Print(one); }, update);
}

Requirement RequirementFromJson(const json& value) { return Parse(value, "type", kRequirements); }

Update UpdateFromJson(const json& value) { return Parse(value, "action", kUpdates); }

}  // namespace millrace::table
