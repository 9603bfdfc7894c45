#include "query/sql_text.h"

#include <fmt/format.h>

namespace millrace::query {
namespace {

std::string Quote(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (const char c : text) {
    if (c == quote) quoted += quote;
    quoted += c;
  }
  quoted += quote;
  return quoted;
}

std::string SqlPrimitive(const schema::PrimitiveType& type) {
  switch (type.kind) {
    case schema::Primitive::kBoolean:
      return "BOOLEAN";
    case schema::Primitive::kInt:
      return "INTEGER";
    case schema::Primitive::kLong:
      return "BIGINT";
    case schema::Primitive::kFloat:
      return "FLOAT";
    case schema::Primitive::kDouble:
      return "DOUBLE";
    case schema::Primitive::kDecimal:
      return fmt::format("DECIMAL({}, {})", type.precision, type.scale);
    case schema::Primitive::kDate:
      return "DATE";
    case schema::Primitive::kTime:
      return "TIME";
    case schema::Primitive::kTimestamp:
      return "TIMESTAMP";
    case schema::Primitive::kTimestamptz:
      return "TIMESTAMP WITH TIME ZONE";
    case schema::Primitive::kString:
      return "VARCHAR";
    case schema::Primitive::kUuid:
      return "UUID";
    case schema::Primitive::kFixed:
    case schema::Primitive::kBinary:
      return "BLOB";
  }
  return {};
}

}  // namespace

std::string QuoteName(std::string_view text) { return Quote(text, '"'); }

std::string SqlName(const catalog::TableName& name) { return QuoteName(name.name_space) + "." + QuoteName(name.name); }
std::string QuoteText(std::string_view text) { return Quote(text, '\''); }

std::string SqlType(const schema::Type& type) {
  if (const auto* primitive = std::get_if<schema::PrimitiveType>(&type)) return SqlPrimitive(*primitive);
  if (const auto* list = std::get_if<schema::ListType>(&type)) return SqlType(list->element->type) + "[]";
  if (const auto* map = std::get_if<schema::MapType>(&type)) {
    return fmt::format("MAP({}, {})", SqlType(map->key->type), SqlType(map->value->type));
  }
  std::string members;
  for (const auto& field : std::get<schema::StructType>(type).fields) {
    members += fmt::format("{}{} {}", members.empty() ? "" : ", ", QuoteName(field.name), SqlType(field.type));
  }
  return fmt::format("STRUCT({})", members);
}

}  // namespace millrace::query
