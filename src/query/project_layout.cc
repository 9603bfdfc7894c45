#include <fmt/format.h>

#include <algorithm>

#include "query/file_layout.h"
#include "query/sql_text.h"

namespace millrace::query {
namespace {

const LayoutColumn* FindColumn(const std::vector<LayoutColumn>& columns, schema::FieldId id) {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const LayoutColumn& column) { return column.id == id; });
  return found == columns.end() ? nullptr : &*found;
}

std::string NullOf(const schema::Type& type) { return fmt::format("CAST(NULL AS {})", SqlType(type)); }

/// The SQL of `wanted` made of `reference`, a column as the file has it. `depth` keeps the names of lambda parameters
/// apart.
std::string Project(const schema::Field& wanted, const LayoutColumn& column, const std::string& reference, int depth) {
  if (const auto* members = std::get_if<schema::StructType>(&wanted.type)) {
    std::string parts;
    for (const auto& member : members->fields) {
      const auto* found = FindColumn(column.children, member.id);
      const auto part = found ? Project(member, *found,
                                        fmt::format("struct_extract({}, {})", reference, QuoteText(found->name)), depth)
                              : NullOf(member.type);
      parts += fmt::format("{}{} := {}", parts.empty() ? "" : ", ", QuoteName(member.name), part);
    }
    return fmt::format("CASE WHEN {} IS NULL THEN NULL ELSE struct_pack({}) END", reference, parts);
  }
  const auto item = fmt::format("x{}", depth);
  if (const auto* list = std::get_if<schema::ListType>(&wanted.type)) {
    return fmt::format("list_transform({}, lambda {}: {})", reference, item,
                       Project(*list->element, column.children.at(0), item, depth + 1));
  }
  if (const auto* map = std::get_if<schema::MapType>(&wanted.type)) {
    const auto key = Project(*map->key, column.children.at(0), item + ".key", depth + 1);
    const auto value = Project(*map->value, column.children.at(1), item + ".value", depth + 1);
    return fmt::format("map_from_entries(list_transform(map_entries({}), lambda {}: struct_pack(k := {}, v := {})))",
                       reference, item, key, value);
  }
  return fmt::format("CAST({} AS {})", reference, SqlType(wanted.type));
}

bool SameMembers(const schema::Type& wanted, const schema::Type& old);

/// Both ways: what they share by id has one name, what they share by name has one id; and they share something.
bool SameMembers(const schema::StructType& wanted, const schema::StructType& old) {
  bool shared = false;
  for (const auto& left : wanted.fields) {
    for (const auto& right : old.fields) {
      const bool same_id = left.id == right.id;
      if (same_id != (left.name == right.name)) return false;
      if (!same_id) continue;
      shared = true;
      if (!SameMembers(left.type, right.type)) return false;
    }
  }
  return shared;
}

bool SameMembers(const schema::Type& wanted, const schema::Type& old) {
  if (wanted.index() != old.index()) return false;
  if (const auto* members = std::get_if<schema::StructType>(&wanted))
    return SameMembers(*members, std::get<schema::StructType>(old));
  if (const auto* list = std::get_if<schema::ListType>(&wanted))
    return SameMembers(list->element->type, std::get<schema::ListType>(old).element->type);
  if (const auto* map = std::get_if<schema::MapType>(&wanted)) {
    const auto& other = std::get<schema::MapType>(old);
    return SameMembers(map->key->type, other.key->type) && SameMembers(map->value->type, other.value->type);
  }
  return true;
}

}  // namespace

bool MembersMatchByName(const schema::Schema& wanted, const std::vector<schema::Schema>& history) {
  return std::all_of(history.begin(), history.end(), [&](const schema::Schema& old) {
    return std::all_of(wanted.fields.begin(), wanted.fields.end(), [&](const schema::Field& field) {
      const auto same = std::find_if(old.fields.begin(), old.fields.end(),
                                     [&](const schema::Field& other) { return other.id == field.id; });
      return same == old.fields.end() || SameMembers(field.type, same->type);
    });
  });
}

std::string ProjectLayout(const schema::Schema& wanted, const FileLayout& layout) {
  std::string columns;
  for (const auto& field : wanted.fields) {
    const auto* found = FindColumn(layout.columns, field.id);
    const auto column =
        found ? fmt::format("CAST({} AS {})", Project(field, *found, QuoteName(found->name), 0), SqlType(field.type))
              : NullOf(field.type);
    columns += fmt::format("{}{} AS {}", columns.empty() ? "" : ", ", column, QuoteName(field.name));
  }
  return columns;
}

}  // namespace millrace::query
