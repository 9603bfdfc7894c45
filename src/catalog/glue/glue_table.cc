#include "catalog/glue/glue_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/letter_case.h"
#include "schema/hive_type.h"
#include "schema/json_object.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;
using schema::JsonObject;

constexpr const char* kTableType = "table_type";
constexpr const char* kMetadataLocation = "metadata_location";
constexpr const char* kPreviousLocation = "previous_metadata_location";
constexpr size_t kNameCharactersMax = 252;
constexpr size_t kCommentBytesMax = 255;       // of a column
constexpr size_t kDescriptionBytesMax = 2048;  // of a table

/// Up to so many bytes, whole characters of UTF-8.
std::string Shortened(const std::string& text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

void AddColumns(const schema::Schema& schema, bool current, std::set<std::string>& names, json& columns) {
  for (const auto& field : schema.fields) {
    if (!names.insert(field.name).second) continue;
    json column = {{"Name", field.name},
                   {"Type", schema::HiveType(field.type)},
                   {"Parameters",
                    {{"iceberg.field.id", fmt::to_string(field.id.value())},
                     {"iceberg.field.optional", field.required ? "false" : "true"},
                     {"iceberg.field.current", current ? "true" : "false"}}}};
    if (!field.doc.empty()) column["Comment"] = Shortened(field.doc, kCommentBytesMax);
    columns.push_back(std::move(column));
  }
}

/// Those of the current schema, then those that only older ones have.
json ColumnsOf(const table::TableMetadata& metadata) {
  json columns = json::array();
  std::set<std::string> names;
  AddColumns(metadata.schema(), true, names, columns);
  for (const auto& schema : metadata.schemas) AddColumns(schema, false, names, columns);
  return columns;
}

/// What a Table has and its TableInput may have.
json Kept(const json& table, std::initializer_list<const char*> members) {
  json kept = json::object();
  for (const char* member : members) {
    const auto found = table.find(member);
    if (found != table.end() && !found->is_null()) kept[member] = *found;
  }
  return kept;
}

json ObjectOf(const json& parent, const char* member) {
  const auto found = parent.find(member);
  return found != parent.end() && found->is_object() ? *found : json::object();
}

}  // namespace

void RequireGlueName(const std::string& name, const char* what) {
  const bool fits = !name.empty() && name.size() <= kNameCharactersMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (fits) return;
  throw Error(
      ErrorCode::kConfig,
      fmt::format("the {} '{}' cannot be in Glue, where engines take lower-case letters, digits and _, up to {} "
                  "of them, and databases have no levels; name it otherwise",
                  what, name, kNameCharactersMax));
}

bool IsIceberg(const json& table) {
  const auto parameters = ObjectOf(table, "Parameters");
  const auto* type = JsonObject(parameters, "Parameters").MaybeString(kTableType);
  return type != nullptr && SameInAnyCase(*type, "ICEBERG");
}

std::string MetadataLocationOf(const json& table, const std::string& name) {
  if (!IsIceberg(table)) {
    throw Error(ErrorCode::kConfig,
                fmt::format("{} is a table of Glue that is not Iceberg's; name this one otherwise", name));
  }
  const auto parameters = ObjectOf(table, "Parameters");
  return JsonObject(parameters, "Parameters").String(kMetadataLocation);
}

std::string VersionIdOf(const json& table, const std::string& name) {
  const auto* version = JsonObject(table, "Table").MaybeString("VersionId");
  if (version != nullptr && !version->empty()) return *version;
  throw Error(ErrorCode::kStop, fmt::format("Glue gives no VersionId of {}, so that nothing would keep two writers "
                                            "apart; use AWS's own service, or another catalogue",
                                            name));
}

json TableInputOf(const LoadedTable& made, const json& before) {
  json input = before.is_null() ? json::object() : Kept(before, {"Owner", "Description", "Retention"});
  input["Name"] = made.name.name;
  input["TableType"] = "EXTERNAL_TABLE";
  const auto comment = made.metadata->properties.find("comment");
  if (comment != made.metadata->properties.end())
    input["Description"] = Shortened(comment->second, kDescriptionBytesMax);
  auto parameters = before.is_null() ? json::object() : ObjectOf(before, "Parameters");
  if (const auto now = parameters.find(kMetadataLocation); now != parameters.end())
    parameters[kPreviousLocation] = *now;
  parameters[kTableType] = "ICEBERG";
  parameters[kMetadataLocation] = made.metadata_location;
  input["Parameters"] = std::move(parameters);
  auto storage = before.is_null() ? json::object() : ObjectOf(before, "StorageDescriptor");
  storage["Location"] = made.metadata->location;
  storage["Columns"] = ColumnsOf(*made.metadata);
  input["StorageDescriptor"] = std::move(storage);
  return input;
}

json RenamedTableInput(const json& table, const std::string& name) {
  auto input = Kept(
      table, {"Owner", "Description", "Retention", "TableType", "Parameters", "StorageDescriptor", "PartitionKeys"});
  input["Name"] = name;
  return input;
}

}  // namespace millrace::catalog
