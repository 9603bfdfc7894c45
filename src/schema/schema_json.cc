#include <fmt/format.h>

#include <limits>
#include <set>

#include "base/error.h"
#include "schema/json_object.h"
#include "schema/primitive_name.h"
#include "schema/schema.h"

/// Schemas and types as JSON (Iceberg spec, appendix C, "Schemas" and "Data Types").
namespace millrace::schema {
namespace {

using nlohmann::json;

constexpr int kDepthMax = 200;

Type TypeAt(const json& value, const std::string& path, int depth);

FieldId IdAt(const JsonObject& object, const char* member) {
  const int32_t id = object.Int32(member);
  if (id < 1)
    throw Error(ErrorCode::kData, fmt::format("{} is {}, but field ids start at 1", object.PathOf(member), id));
  return FieldId(id);
}

Field FieldAt(const json& value, const std::string& path, int depth) {
  const JsonObject object(value, path);
  Field field;
  field.id = IdAt(object, "id");
  field.name = object.String("name");
  field.required = object.Bool("required");
  if (const std::string* doc = object.MaybeString("doc")) field.doc = *doc;
  field.type = TypeAt(object.Member("type"), object.PathOf("type"), depth + 1);
  return field;
}

std::vector<Field> FieldsAt(const JsonObject& object, int depth) {
  std::vector<Field> fields;
  std::set<std::string> names;
  const json& array = object.Array("fields");
  fields.reserve(array.size());
  for (size_t i = 0; i < array.size(); ++i) {
    fields.push_back(FieldAt(array[i], object.PathOf("fields", i), depth));
    if (!names.insert(fields.back().name).second) {
      throw Error(ErrorCode::kData,
                  fmt::format("{} repeats the name '{}'", object.PathOf("fields", i), fields.back().name));
    }
  }
  return fields;
}

std::shared_ptr<const Field> PartAt(const JsonObject& object, const std::string& part, bool required, int depth) {
  Field field;
  field.id = IdAt(object, (part + "-id").c_str());
  field.name = part;
  field.required = required;
  field.type = TypeAt(object.Member(part.c_str()), object.PathOf(part.c_str()), depth + 1);
  return std::make_shared<const Field>(std::move(field));
}

Type TypeAt(const json& value, const std::string& path, int depth) {
  if (depth > kDepthMax) throw Error(ErrorCode::kData, fmt::format("{} nests deeper than {} levels", path, kDepthMax));
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (const auto primitive = ParsePrimitive(text)) return *primitive;
    throw Error(ErrorCode::kData, fmt::format("{} has the type '{}', which is not an Iceberg v2 type", path, text));
  }
  const JsonObject object(value, path);
  const std::string& kind = object.String("type");
  if (kind == "struct") return StructType{FieldsAt(object, depth)};
  if (kind == "list") return ListType{PartAt(object, "element", object.Bool("element-required"), depth)};
  if (kind == "map") {
    return MapType{PartAt(object, "key", true, depth), PartAt(object, "value", object.Bool("value-required"), depth)};
  }
  throw Error(ErrorCode::kData, fmt::format("{} is of kind '{}', which is none of struct, list, map", path, kind));
}

void CheckIdsAreUnique(const std::vector<Field>& fields, std::set<FieldId>& seen);

void CheckIdIsNew(const Field& field, std::set<FieldId>& seen) {
  if (!seen.insert(field.id).second) {
    throw Error(ErrorCode::kData,
                fmt::format("field id {} is used twice in one schema, once by '{}'", field.id.value(), field.name));
  }
  if (const auto* structure = std::get_if<StructType>(&field.type)) {
    CheckIdsAreUnique(structure->fields, seen);
  } else if (const auto* list = std::get_if<ListType>(&field.type)) {
    CheckIdIsNew(*list->element, seen);
  } else if (const auto* map = std::get_if<MapType>(&field.type)) {
    CheckIdIsNew(*map->key, seen);
    CheckIdIsNew(*map->value, seen);
  }
}

void CheckIdsAreUnique(const std::vector<Field>& fields, std::set<FieldId>& seen) {
  for (const Field& field : fields) CheckIdIsNew(field, seen);
}

json FieldsToJson(const std::vector<Field>& fields) {
  json array = json::array();
  for (const Field& field : fields) {
    json object = {
        {"id", field.id.value()}, {"name", field.name}, {"required", field.required}, {"type", ToJson(field.type)}};
    if (!field.doc.empty()) object["doc"] = field.doc;
    array.push_back(std::move(object));
  }
  return array;
}

}  // namespace

json ToJson(const Type& type) {
  if (const auto* primitive = std::get_if<PrimitiveType>(&type)) return ToString(*primitive);
  if (const auto* structure = std::get_if<StructType>(&type)) {
    return {{"type", "struct"}, {"fields", FieldsToJson(structure->fields)}};
  }
  if (const auto* list = std::get_if<ListType>(&type)) {
    return {{"type", "list"},
            {"element-id", list->element->id.value()},
            {"element", ToJson(list->element->type)},
            {"element-required", list->element->required}};
  }
  const auto& map = std::get<MapType>(type);
  return {{"type", "map"},
          {"key-id", map.key->id.value()},
          {"key", ToJson(map.key->type)},
          {"value-id", map.value->id.value()},
          {"value", ToJson(map.value->type)},
          {"value-required", map.value->required}};
}

json ToJson(const Schema& schema) {
  json keys = json::array();
  for (const FieldId id : schema.identifier_field_ids) keys.push_back(id.value());
  return {{"type", "struct"},
          {"schema-id", schema.schema_id},
          {"identifier-field-ids", std::move(keys)},
          {"fields", FieldsToJson(schema.fields)}};
}

Type TypeFromJson(const json& value) { return TypeAt(value, "type", 0); }

Schema SchemaFromJson(const json& value) {
  const JsonObject object(value, "schema");
  Schema schema;
  schema.schema_id = object.MaybeInt32("schema-id").value_or(0);
  schema.fields = FieldsAt(object, 0);
  std::set<FieldId> ids;
  CheckIdsAreUnique(schema.fields, ids);
  if (const json* keys = object.MaybeArray("identifier-field-ids")) {
    for (const json& key : *keys) {
      const int64_t id = key.is_number_integer() ? key.get<int64_t>() : 0;
      if (id < 1 || id > std::numeric_limits<int32_t>::max() || !ids.contains(FieldId(static_cast<int32_t>(id)))) {
        throw Error(ErrorCode::kData, "schema.identifier-field-ids names a field the schema lacks");
      }
      schema.identifier_field_ids.emplace_back(static_cast<int32_t>(id));
    }
  }
  return schema;
}

}  // namespace millrace::schema
