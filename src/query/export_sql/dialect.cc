#include "query/export_sql/dialect.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/letter_case.h"
#include "query/sql_text.h"
#include "schema/hive_type.h"

namespace millrace::query {
namespace {

constexpr std::string_view kFile = "file://";

/// Whether there is a time of day or a UUID in it.
bool HasUntold(const schema::Type& type) {
  if (const auto* primitive = std::get_if<schema::PrimitiveType>(&type)) {
    return primitive->kind == schema::Primitive::kTime || primitive->kind == schema::Primitive::kUuid;
  }
  if (const auto* list = std::get_if<schema::ListType>(&type)) return HasUntold(list->element->type);
  if (const auto* map = std::get_if<schema::MapType>(&type))
    return HasUntold(map->key->type) || HasUntold(map->value->type);
  return std::ranges::any_of(std::get<schema::StructType>(type).fields,
                             [](const schema::Field& field) { return HasUntold(field.type); });
}

/// With a backslash before quotes and itself; line ends by their letters, which these engines want.
std::string Escaped(std::string_view text, char quote) {
  std::string escaped(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') escaped += '\\';
    if (c == '\n') {
      escaped += "\\n";
    } else if (c == '\r') {
      escaped += "\\r";
    } else {
      escaped += c;
    }
  }
  return escaped + quote;
}

}  // namespace

void SqlScript::Say(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  text_ += fmt::format("-- {}\n", line);
}

void SqlScript::Add(std::string_view statement) { text_ += fmt::format("{};\n\n", statement); }

std::string Dialect::Name(std::string_view name) const { return QuoteName(name); }
std::string Dialect::Text(std::string_view text) const { return QuoteText(text); }

std::string Dialect::QualifiedName(const ExportedTable& table) const {
  return Name(table.name.name_space) + "." + Name(table.name.name);
}

std::string Dialect::Reference(const ExportedLake& /*lake*/, const ExportedTable& table) const {
  return QualifiedName(table);
}

std::string Dialect::Member(const std::vector<std::string>& path) const {
  std::string member = "t";
  for (const auto& name : path) member += "." + Name(name);
  return member;
}

void Dialect::MakeSchemas(std::string_view statement, const std::vector<ExportedTable>& tables,
                          SqlScript& script) const {
  std::set<std::string> names;
  for (const auto& table : tables) names.insert(table.name.name_space);
  for (const auto& name : names) script.Add(fmt::format("{} {}", statement, Name(name)));
}

bool Dialect::Sees(const ExportedTable& table, const schema::Field& column) const {
  return !table.parquet || !HasUntold(column.type);
}

bool IsStructToHive(const ExportedTable& table, const schema::Field& column) {
  return table.is_iceberg() || table.parquet || schema::HiveJsonType(column.type).starts_with("struct");
}

bool IsColumnToHive(const ExportedTable& table, const schema::Field& column) {
  if (!table.parquet && !table.in_glue) return true;
  // One that is called like a level of the folders is that level.
  const auto same = [&](const auto& level) { return SameInAnyCase(level.first, column.name); };
  if (std::ranges::any_of(table.levels, same)) return false;
  if (table.in_glue && !SameInAnyCase(schema::HiveColumnName(column.name), column.name)) return false;
  return !table.parquet || schema::HiveParquetType(column.type).has_value();
}

std::string BacktickDialect::Name(std::string_view name) const { return HiveName(name); }
std::string BacktickDialect::Text(std::string_view text) const { return Escaped(text, '\''); }

std::string HiveName(std::string_view name) {
  std::string quoted = "`";
  for (const char c : name) {
    if (c == '`') quoted += '`';
    quoted += c;
  }
  return quoted + "`";
}

std::string BelowWarehouse(const ExportedLake& lake, const std::string& location) {
  return location.starts_with(lake.warehouse + "/") ? location.substr(lake.warehouse.size() + 1) : location;
}

std::string LocalPath(const std::string& uri) { return uri.starts_with(kFile) ? uri.substr(kFile.size()) : uri; }

std::string HiveColumns(const ExportedTable& table, std::string_view indent) {
  std::string columns;
  for (const auto& field : table.schema.fields) {
    columns += fmt::format(
        "{}{}{} {}", columns.empty() ? "" : ",\n", indent, HiveName(field.name),
        table.parquet ? schema::HiveParquetType(field.type).value_or("binary") : schema::HiveJsonType(field.type));
  }
  return columns;
}

std::string HivePartitions(const ExportedTable& table) {
  std::string partitions;
  for (const auto& [name, text] : table.levels) {
    if (!name.empty()) partitions += fmt::format("{}{} string", partitions.empty() ? "" : ", ", HiveName(name));
  }
  return partitions;
}

}  // namespace millrace::query
