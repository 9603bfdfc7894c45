#include "query/predicate_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "query/sql_text.h"

namespace millrace::query {
namespace {

/// Quoted only where it must be.
std::string Name(const std::string& name) {
  const auto plain = [](char c) {
    return std::islower(static_cast<unsigned char>(c)) != 0 || std::isdigit(static_cast<unsigned char>(c)) != 0 ||
           c == '_';
  };
  const bool is_plain = !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
                        std::all_of(name.begin(), name.end(), plain);
  return is_plain ? name : QuoteName(name);
}

bool FindPath(const std::vector<schema::Field>& fields, schema::FieldId id, const std::string& before,
              std::string& path) {
  for (const auto& field : fields) {
    const auto here = before + Name(field.name);
    if (field.id == id) {
      path = here;
      return true;
    }
    const auto* members = std::get_if<schema::StructType>(&field.type);
    if (members && FindPath(members->fields, id, here + ".", path)) return true;
  }
  return false;
}

std::string ValueSql(const schema::Schema& schema, schema::FieldId id, const table::Value& value) {
  const auto* field = schema.Find(id);
  const auto* type = field ? std::get_if<schema::PrimitiveType>(&field->type) : nullptr;
  if (!type) return "?";
  const auto text = table::ToString(*type, value);
  const bool is_bare = std::holds_alternative<bool>(value) || std::holds_alternative<float>(value) ||
                       std::holds_alternative<double>(value) || std::holds_alternative<table::Decimal>(value) ||
                       text.find_first_not_of("-0123456789") == std::string::npos;
  return is_bare && !std::holds_alternative<std::string>(value) && text.find('-', 1) == std::string::npos
             ? text
             : QuoteText(text);
}

std::string Joined(const Predicate& predicate, const schema::Schema& schema, std::string_view word) {
  std::string sql;
  for (const auto& child : predicate.children) {
    const bool nested = child.kind == Predicate::Kind::kAnd || child.kind == Predicate::Kind::kOr;
    const auto text = PredicateSql(child, schema);
    sql += fmt::format("{}{}", sql.empty() ? "" : word, nested ? "(" + text + ")" : text);
  }
  return sql;
}

std::string List(const Predicate& predicate, const schema::Schema& schema) {
  std::string values;
  for (const auto& value : predicate.values)
    values += fmt::format("{}{}", values.empty() ? "" : ", ", ValueSql(schema, predicate.field, value));
  return values;
}

}  // namespace

std::string ColumnPath(const schema::Schema& schema, schema::FieldId id) {
  std::string path;
  FindPath(schema.fields, id, "", path);
  return path;
}

std::string PredicateSql(const Predicate& predicate, const schema::Schema& schema) {
  const auto comparison = [&](std::string_view word) {
    return fmt::format("{} {} {}", ColumnPath(schema, predicate.field), word, List(predicate, schema));
  };
  switch (predicate.kind) {
    case Predicate::Kind::kAny:
      return "true";
    case Predicate::Kind::kAnd:
      return Joined(predicate, schema, " AND ");
    case Predicate::Kind::kOr:
      return Joined(predicate, schema, " OR ");
    case Predicate::Kind::kLess:
      return comparison("<");
    case Predicate::Kind::kLessOrEqual:
      return comparison("<=");
    case Predicate::Kind::kGreater:
      return comparison(">");
    case Predicate::Kind::kGreaterOrEqual:
      return comparison(">=");
    case Predicate::Kind::kIn:
      if (predicate.values.size() == 1) return comparison("=");
      return fmt::format("{} IN ({})", ColumnPath(schema, predicate.field), List(predicate, schema));
    case Predicate::Kind::kIsNull:
      return ColumnPath(schema, predicate.field) + " IS NULL";
    case Predicate::Kind::kNotNull:
      return ColumnPath(schema, predicate.field) + " IS NOT NULL";
  }
  return {};
}

}  // namespace millrace::query
