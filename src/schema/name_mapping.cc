#include "schema/name_mapping.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "schema/json_object.h"

namespace millrace::schema {
namespace {

using nlohmann::json;

constexpr int kDepthMax = 200;

void ExtendFields(std::vector<MappedField>& mapped, const Type& type);

void ExtendField(std::vector<MappedField>& mapped, const Field& field) {
  auto found =
      std::find_if(mapped.begin(), mapped.end(), [&](const MappedField& other) { return other.id == field.id; });
  if (found == mapped.end())
    found = mapped.insert(mapped.end(), MappedField{.id = field.id, .names = {}, .fields = {}});
  auto& names = found->names;
  if (std::find(names.begin(), names.end(), field.name) == names.end()) {
    // A name belongs to one field at a time: a new column of a name that was given up takes it over.
    for (MappedField& other : mapped) std::erase(other.names, field.name);
    names.push_back(field.name);
  }
  ExtendFields(found->fields, field.type);
}

void ExtendFields(std::vector<MappedField>& mapped, const Type& type) {
  if (const auto* structure = std::get_if<StructType>(&type)) {
    for (const Field& field : structure->fields) ExtendField(mapped, field);
  } else if (const auto* list = std::get_if<ListType>(&type)) {
    ExtendField(mapped, *list->element);
  } else if (const auto* map = std::get_if<MapType>(&type)) {
    ExtendField(mapped, *map->key);
    ExtendField(mapped, *map->value);
  }
}

json FieldsToJson(const std::vector<MappedField>& fields) {
  json array = json::array();
  for (const MappedField& field : fields) {
    json object = {{"names", field.names}};
    if (field.id) object["field-id"] = field.id->value();
    if (!field.fields.empty()) object["fields"] = FieldsToJson(field.fields);
    array.push_back(std::move(object));
  }
  return array;
}

std::vector<MappedField> FieldsFromJson(const json& array, const std::string& path, int depth) {
  if (depth > kDepthMax) throw Error(ErrorCode::kData, fmt::format("{} nests deeper than {} levels", path, kDepthMax));
  if (!array.is_array()) throw Error(ErrorCode::kData, path + " is not a list");
  std::vector<MappedField> fields;
  for (size_t i = 0; i < array.size(); ++i) {
    const JsonObject object(array[i], fmt::format("{}[{}]", path, i));
    MappedField field;
    if (const auto id = object.MaybeInt32("field-id")) field.id = FieldId(*id);
    for (const json& name : object.Array("names")) {
      if (!name.is_string())
        throw Error(ErrorCode::kData, object.PathOf("names") + " holds something that is no string");
      field.names.push_back(name.get<std::string>());
    }
    if (const json* inner = object.MaybeArray("fields")) {
      field.fields = FieldsFromJson(*inner, object.PathOf("fields"), depth + 1);
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace

NameMapping MappingOf(const Schema& schema) { return Extend({}, schema); }

NameMapping Extend(NameMapping mapping, const Schema& schema) {
  for (const Field& field : schema.fields) ExtendField(mapping.fields, field);
  return mapping;
}

json ToJson(const NameMapping& mapping) { return FieldsToJson(mapping.fields); }

std::string PrintNameMapping(const NameMapping& mapping) { return ToJson(mapping).dump(); }

NameMapping ParseNameMapping(std::string_view text) {
  return {FieldsFromJson(ParseJson(text, "the name mapping"), "name mapping", 0)};
}

}  // namespace millrace::schema
