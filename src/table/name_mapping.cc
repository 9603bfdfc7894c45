#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "table/schema_update.h"

namespace millrace::table {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void Wrong() {
  throw Error(ErrorCode::kConfig,
              "the table property schema.name-mapping.default is no name mapping: set it again, or remove it");
}

Json& Names(Json& entry) {
  Json& names = entry["names"];
  if (names.is_null()) names = Json::array();
  if (!names.is_array()) Wrong();
  return names;
}

Json& EntryFor(Json& entries, int32_t field_id) {
  for (Json& entry : entries) {
    if (!entry.is_object()) Wrong();
    const auto id = entry.find("field-id");
    if (id != entry.end() && id->is_number_integer() && *id == field_id) return entry;
  }
  entries.push_back({{"field-id", field_id}, {"names", Json::array()}});
  return entries.back();
}

void Extend(Json& entries, const std::vector<schema::Field>& fields);

/// The members of a nested type, as the mapping names them.
void ExtendChildren(Json& entry, const schema::Type& type) {
  std::vector<schema::Field> children;
  if (const auto* list = std::get_if<schema::ListType>(&type)) {
    children.push_back(*list->element);
    children.back().name = "element";
  } else if (const auto* map = std::get_if<schema::MapType>(&type)) {
    children = {*map->key, *map->value};
    children.front().name = "key";
    children.back().name = "value";
  } else if (const auto* record = std::get_if<schema::StructType>(&type)) {
    children = record->fields;
  }
  if (children.empty()) return;
  Json& nested = entry["fields"];
  if (nested.is_null()) nested = Json::array();
  Extend(nested, children);
}

void Extend(Json& entries, const std::vector<schema::Field>& fields) {
  if (!entries.is_array()) Wrong();
  for (const schema::Field& field : fields) {
    // A name belongs to one field: a new column takes over the name of a dropped or renamed one.
    for (Json& entry : entries) {
      if (!entry.is_object()) Wrong();
      Json& names = Names(entry);
      if (entry.value("field-id", 0) != field.id.value()) {
        names.erase(std::remove(names.begin(), names.end(), Json(field.name)), names.end());
      }
    }
    Json& entry = EntryFor(entries, field.id.value());
    Json& names = Names(entry);
    if (std::find(names.begin(), names.end(), Json(field.name)) == names.end()) names.push_back(field.name);
    ExtendChildren(entry, field.type);
  }
}

}  // namespace

std::string ExtendNameMapping(std::string_view mapping, const schema::Schema& schema) {
  Json entries = mapping.empty() ? Json::array() : Json::parse(mapping, nullptr, /*allow_exceptions=*/false);
  if (entries.is_discarded()) Wrong();
  Extend(entries, schema.fields);
  return entries.dump();
}

}  // namespace millrace::table
