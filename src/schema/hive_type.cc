#include "schema/hive_type.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/letter_case.h"

namespace millrace::schema {
namespace {

std::string PrimitiveHiveType(const PrimitiveType& type) {
  switch (type.kind) {
    case Primitive::kBoolean:
      return "boolean";
    case Primitive::kInt:
      return "int";
    case Primitive::kLong:
      return "bigint";
    case Primitive::kFloat:
      return "float";
    case Primitive::kDouble:
      return "double";
    case Primitive::kDecimal:
      return fmt::format("decimal({},{})", type.precision, type.scale);
    case Primitive::kDate:
      return "date";
    case Primitive::kTimestamp:
    case Primitive::kTimestamptz:
      return "timestamp";
    case Primitive::kTime:
    case Primitive::kString:
    case Primitive::kUuid:
      return "string";
    case Primitive::kFixed:
    case Primitive::kBinary:
      return "binary";
  }
  return "string";
}

bool IsSpelled(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool IsSpelled(const Type& type) {
  if (const auto* list = std::get_if<ListType>(&type)) return IsSpelled(list->element->type);
  if (const auto* map = std::get_if<MapType>(&type)) return IsSpelled(map->value->type);
  const auto* group = std::get_if<StructType>(&type);
  if (group == nullptr) return true;
  return !group->fields.empty() && std::ranges::all_of(group->fields, [](const Field& field) {
    return IsSpelled(field.name) && IsSpelled(field.type);
  });
}

PrimitiveType PrimitiveAsJson(const PrimitiveType& type) {
  switch (type.kind) {
    case Primitive::kBoolean:
    case Primitive::kInt:
    case Primitive::kLong:
    case Primitive::kFloat:
    case Primitive::kDouble:
    case Primitive::kDecimal:
    case Primitive::kDate:
      return type;
    case Primitive::kTime:
    case Primitive::kTimestamp:
    case Primitive::kTimestamptz:
    case Primitive::kString:
    case Primitive::kUuid:
    case Primitive::kFixed:
    case Primitive::kBinary:
      return {.kind = Primitive::kString};
  }
  return type;
}

PrimitiveType PrimitiveAsParquet(const PrimitiveType& type) {
  if (type.kind == Primitive::kTime) return {.kind = Primitive::kLong};
  return type.kind == Primitive::kUuid ? PrimitiveType{.kind = Primitive::kBinary} : type;
}

/// The type with other primitives at its leaves; keys of maps stay.
Type WithLeaves(const Type& type, PrimitiveType (*leaf)(const PrimitiveType&)) {
  if (const auto* primitive = std::get_if<PrimitiveType>(&type)) return leaf(*primitive);
  if (const auto* list = std::get_if<ListType>(&type)) {
    auto element = *list->element;
    element.type = WithLeaves(element.type, leaf);
    return ListType{std::make_shared<const Field>(std::move(element))};
  }
  if (const auto* map = std::get_if<MapType>(&type)) {
    auto value = *map->value;
    value.type = WithLeaves(value.type, leaf);
    return MapType{map->key, std::make_shared<const Field>(std::move(value))};
  }
  auto group = std::get<StructType>(type);
  for (auto& field : group.fields) field.type = WithLeaves(field.type, leaf);
  return group;
}

}  // namespace

std::string HiveJsonType(const Type& type) {
  return IsSpelled(type) ? HiveType(WithLeaves(type, PrimitiveAsJson)) : "string";
}

std::optional<std::string> HiveParquetType(const Type& type) {
  if (!IsSpelled(type)) return std::nullopt;
  return HiveType(WithLeaves(type, PrimitiveAsParquet));
}

std::string HiveType(const Type& type) {
  if (const auto* primitive = std::get_if<PrimitiveType>(&type)) return PrimitiveHiveType(*primitive);
  if (const auto* list = std::get_if<ListType>(&type)) return fmt::format("array<{}>", HiveType(list->element->type));
  if (const auto* map = std::get_if<MapType>(&type))
    return fmt::format("map<{},{}>", HiveType(map->key->type), HiveType(map->value->type));
  std::string fields;
  for (const auto& field : std::get<StructType>(type).fields)
    fields += fmt::format("{}{}:{}", fields.empty() ? "" : ",", field.name, HiveType(field.type));
  return fmt::format("struct<{}>", fields);
}

std::string HiveColumnName(std::string_view name) {
  auto column = Lower(name);
  for (char& c : column) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!plain) c = '_';
  }
  return column;
}

}  // namespace millrace::schema
