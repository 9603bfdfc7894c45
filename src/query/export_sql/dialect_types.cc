#include "query/export_sql/dialect_types.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/export_sql/dialect.h"
#include "query/sql_text.h"

namespace millrace::query {
namespace {

using schema::ListType;
using schema::MapType;
using schema::Primitive;
using schema::PrimitiveType;
using schema::StructType;

/// The words of an engine; decimal gets its digits behind. The last three are of Parquet: JSON has text.
struct Words {
  const char* boolean;
  const char* small;
  const char* whole;
  const char* real;
  const char* number;
  const char* decimal;
  const char* date;
  const char* text;
  const char* instant;
  const char* local;
  const char* binary;
};

std::string Word(const PrimitiveType& type, const Words& words, FilesOf files) {
  const bool typed = files == FilesOf::kParquet;
  switch (type.kind) {
    case Primitive::kBoolean:
      return words.boolean;
    case Primitive::kInt:
      return words.small;
    case Primitive::kLong:
      return words.whole;
    case Primitive::kFloat:
      return words.real;
    case Primitive::kDouble:
      return words.number;
    case Primitive::kDecimal:
      return fmt::format("{}({}, {})", words.decimal, type.precision, type.scale);
    case Primitive::kDate:
      return words.date;
    case Primitive::kTimestamp:
      return typed ? words.local : words.text;
    case Primitive::kTimestamptz:
      return typed ? words.instant : words.text;
    case Primitive::kFixed:
    case Primitive::kBinary:
      return typed ? words.binary : words.text;
    case Primitive::kTime:
    case Primitive::kString:
    case Primitive::kUuid:
      return words.text;
  }
  return words.text;
}

/// Letters, digits and _, not a digit first.
bool IsPlainName(const std::string& name) {
  const auto plain = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && std::ranges::all_of(name, plain) && (name.front() < '0' || name.front() > '9');
}

}  // namespace

std::string SparkType(const schema::Type& type, FilesOf files) {
  constexpr Words kWords = {"boolean", "int",    "bigint",    "float",         "double", "decimal",
                            "date",    "string", "timestamp", "timestamp_ntz", "binary"};
  if (const auto* primitive = std::get_if<PrimitiveType>(&type)) return Word(*primitive, kWords, files);
  if (const auto* list = std::get_if<ListType>(&type))
    return fmt::format("array<{}>", SparkType(list->element->type, files));
  if (const auto* map = std::get_if<MapType>(&type))
    return fmt::format("map<string, {}>", SparkType(map->value->type, files));
  std::string members;
  for (const auto& field : std::get<StructType>(type).fields)
    members += fmt::format("{}{}: {}", members.empty() ? "" : ", ", HiveName(field.name), SparkType(field.type, files));
  return fmt::format("struct<{}>", members);
}

std::string TrinoType(const schema::Type& type, FilesOf files) {
  const char* date = files == FilesOf::kParquet ? "date" : "varchar";
  const Words words = {"boolean", "integer", "bigint",    "real",      "double",   "decimal",
                       date,      "varchar", "timestamp", "timestamp", "varbinary"};
  if (const auto* primitive = std::get_if<PrimitiveType>(&type)) return Word(*primitive, words, files);
  if (const auto* list = std::get_if<ListType>(&type))
    return fmt::format("array({})", TrinoType(list->element->type, files));
  if (const auto* map = std::get_if<MapType>(&type))
    return fmt::format("map({}, {})", TrinoType(map->key->type, files), TrinoType(map->value->type, files));
  std::string members;
  for (const auto& field : std::get<StructType>(type).fields)
    members += fmt::format("{}{} {}", members.empty() ? "" : ", ", QuoteName(field.name), TrinoType(field.type, files));
  return fmt::format("row({})", members);
}

std::string ClickHouseType(const schema::Type& type, const std::function<std::string(std::string_view)>& name,
                           FilesOf files) {
  constexpr Words kWords = {
      "Bool",          "Int32", "Int64", "Float32", "Float64", "Decimal", "Date32", "String", "DateTime64(6, 'UTC')",
      "DateTime64(6)", "String"};
  if (const auto* primitive = std::get_if<PrimitiveType>(&type))
    return fmt::format("Nullable({})", Word(*primitive, kWords, files));
  if (const auto* list = std::get_if<ListType>(&type))
    return fmt::format("Array({})", ClickHouseType(list->element->type, name, files));
  if (const auto* map = std::get_if<MapType>(&type))
    return fmt::format("Map(String, {})", ClickHouseType(map->value->type, name, files));
  std::string members;
  for (const auto& field : std::get<StructType>(type).fields)
    members +=
        fmt::format("{}{} {}", members.empty() ? "" : ", ", name(field.name), ClickHouseType(field.type, name, files));
  return fmt::format("Tuple({})", members);
}

std::string SnowflakeType(const schema::Type& type, FilesOf files) {
  constexpr Words kWords = {"BOOLEAN", "INT",     "BIGINT",        "FLOAT",         "DOUBLE", "NUMBER",
                            "DATE",    "VARCHAR", "TIMESTAMP_LTZ", "TIMESTAMP_NTZ", "BINARY"};
  const auto* primitive = std::get_if<PrimitiveType>(&type);
  return primitive == nullptr ? "VARIANT" : Word(*primitive, kWords, files);
}

std::string RedshiftType(const schema::Type& type, FilesOf files) {
  constexpr Words kWords = {"boolean",          "int",       "bigint",        "real",
                            "double precision", "decimal",   "date",          "varchar(65535)",
                            "timestamp",        "timestamp", "varbyte(65535)"};
  if (const auto* primitive = std::get_if<PrimitiveType>(&type)) return Word(*primitive, kWords, files);
  if (const auto* list = std::get_if<ListType>(&type))
    return fmt::format("array<{}>", RedshiftType(list->element->type, files));
  if (const auto* map = std::get_if<MapType>(&type))
    return fmt::format("map<{},{}>", kWords.text, RedshiftType(map->value->type, files));
  const auto& fields = std::get<StructType>(type).fields;
  if (!std::ranges::all_of(fields, IsPlainName, &schema::Field::name) || fields.empty()) return kWords.text;
  std::string members;
  for (const auto& field : fields)
    members += fmt::format("{}{}:{}", members.empty() ? "" : ",", field.name, RedshiftType(field.type, files));
  return fmt::format("struct<{}>", members);
}

std::string BigQueryType(const schema::Type& type) {
  constexpr Words kWords = {"BOOL", "INT64",  "INT64",     "FLOAT64",  "FLOAT64", "BIGNUMERIC",
                            "DATE", "STRING", "TIMESTAMP", "DATETIME", "BYTES"};
  if (const auto* primitive = std::get_if<PrimitiveType>(&type)) {
    if (primitive->kind == Primitive::kDecimal) return kWords.decimal;
    return Word(*primitive, kWords, FilesOf::kJson);
  }
  if (std::holds_alternative<MapType>(type)) return "JSON";
  if (const auto* list = std::get_if<ListType>(&type)) {
    const auto element = BigQueryType(list->element->type);
    return element.starts_with("ARRAY") ? "JSON" : fmt::format("ARRAY<{}>", element);
  }
  const auto& fields = std::get<StructType>(type).fields;
  if (!std::ranges::all_of(fields, IsPlainName, &schema::Field::name) || fields.empty()) return "JSON";
  std::string members;
  for (const auto& field : fields)
    members += fmt::format("{}`{}` {}", members.empty() ? "" : ", ", field.name, BigQueryType(field.type));
  return fmt::format("STRUCT<{}>", members);
}

}  // namespace millrace::query
