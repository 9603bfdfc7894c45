#include "table/view_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "schema/json_object.h"
#include "table/metadata_parts.h"

namespace millrace::table {
namespace {

using nlohmann::json;
using schema::JsonObject;

ViewRepresentation RepresentationFromJson(const JsonObject& object) {
  if (object.String("type") != "sql") {
    throw Error(ErrorCode::kData, fmt::format("a view's representation of type '{}' is not known here; it is sql",
                                              object.String("type")));
  }
  return {.sql = object.String("sql"), .dialect = object.String("dialect")};
}

ViewVersion VersionOf(const JsonObject& object) {
  ViewVersion version{.version_id = object.Int32("version-id"),
                      .timestamp_ms = object.Int64("timestamp-ms"),
                      .schema_id = object.Int32("schema-id")};
  version.summary = ParseStrings(object, "summary");
  version.representations = ParseList<ViewRepresentation>(object, "representations", RepresentationFromJson);
  if (const auto* catalog = object.MaybeString("default-catalog")) version.default_catalog = *catalog;
  for (const json& level : object.Array("default-namespace")) {
    if (!level.is_string()) throw Error(ErrorCode::kData, "default-namespace holds what is no name");
    version.default_namespace.push_back(level.get<std::string>());
  }
  return version;
}

json ToJson(const ViewVersion& version) {
  json representations = json::array();
  for (const auto& one : version.representations)
    representations.push_back({{"type", "sql"}, {"sql", one.sql}, {"dialect", one.dialect}});
  json object = {{"version-id", version.version_id},
                 {"timestamp-ms", version.timestamp_ms},
                 {"schema-id", version.schema_id},
                 {"summary", version.summary},
                 {"representations", std::move(representations)},
                 {"default-namespace", version.default_namespace}};
  if (version.default_catalog) object["default-catalog"] = *version.default_catalog;
  return object;
}

}  // namespace

const ViewVersion* ViewMetadata::Version(int32_t id) const {
  const auto found = std::ranges::find(versions, id, &ViewVersion::version_id);
  return found == versions.end() ? nullptr : &*found;
}

ViewVersion ViewVersionFromJson(const json& object) { return VersionOf(JsonObject(object, "view-version")); }

ViewSchema ViewSchemaFromJson(const json& schema) {
  const JsonObject object(schema, "schema");
  if (object.String("type") != "struct") throw Error(ErrorCode::kData, "the schema of a view is a struct");
  object.Array("fields");
  json columns = schema;
  columns.erase("schema-id");
  return {.schema_id = object.MaybeInt32("schema-id").value_or(0), .columns = columns.dump()};
}

ViewMetadata ParseViewMetadata(std::string_view text) {
  const json document = schema::ParseJson(text, "view metadata");
  const JsonObject object(document, "");
  if (const auto version = object.Int32("format-version"); version != kViewFormatVersion) {
    throw Error(ErrorCode::kStop,
                fmt::format("views of format version {} are not known here; {} is", version, kViewFormatVersion));
  }
  ViewMetadata metadata{.view_uuid = object.String("view-uuid"),
                        .location = object.String("location"),
                        .current_version_id = object.Int32("current-version-id")};
  metadata.versions = ParseList<ViewVersion>(object, "versions", VersionOf);
  metadata.version_log = ParseList<ViewMetadata::LogEntry>(object, "version-log", [](const JsonObject& entry) {
    return ViewMetadata::LogEntry{.timestamp_ms = entry.Int64("timestamp-ms"), .version_id = entry.Int32("version-id")};
  });
  metadata.schemas =
      ParseList<ViewSchema>(object, "schemas", [](const JsonObject& one) { return ViewSchemaFromJson(one.value()); });
  metadata.properties = ParseStrings(object, "properties");
  if (metadata.Version(metadata.current_version_id) == nullptr) {
    throw Error(ErrorCode::kData,
                fmt::format("current-version-id {} is none of versions", metadata.current_version_id));
  }
  return metadata;
}

json ToJson(const ViewMetadata& metadata) {
  json versions = json::array();
  for (const auto& one : metadata.versions) versions.push_back(ToJson(one));
  json log = json::array();
  for (const auto& one : metadata.version_log)
    log.push_back({{"timestamp-ms", one.timestamp_ms}, {"version-id", one.version_id}});
  json schemas = json::array();
  for (const auto& one : metadata.schemas) {
    json schema = json::parse(one.columns);
    schema["schema-id"] = one.schema_id;
    schemas.push_back(std::move(schema));
  }
  return {{"view-uuid", metadata.view_uuid}, {"format-version", kViewFormatVersion},
          {"location", metadata.location},   {"current-version-id", metadata.current_version_id},
          {"versions", std::move(versions)}, {"version-log", std::move(log)},
          {"schemas", std::move(schemas)},   {"properties", metadata.properties}};
}

}  // namespace millrace::table
