#include "query/pushed_filters.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "query/plan_constant.h"
#include "query/predicate_sql.h"

namespace millrace::query {
namespace {

using Json = nlohmann::json;

std::string Text(const Json& node, const char* member) {
  const auto found = node.find(member);
  return found != node.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return text;
}

std::optional<Predicate::Kind> ComparisonKind(const std::string& name) {
  if (name == "COMPARE_EQUAL") return Predicate::Kind::kIn;
  if (name == "COMPARE_LESSTHAN") return Predicate::Kind::kLess;
  if (name == "COMPARE_LESSTHANOREQUALTO") return Predicate::Kind::kLessOrEqual;
  if (name == "COMPARE_GREATERTHAN") return Predicate::Kind::kGreater;
  if (name == "COMPARE_GREATERTHANOREQUALTO") return Predicate::Kind::kGreaterOrEqual;
  return std::nullopt;
}

std::string Mirrored(const std::string& comparison) {
  if (comparison == "COMPARE_LESSTHAN") return "COMPARE_GREATERTHAN";
  if (comparison == "COMPARE_LESSTHANOREQUALTO") return "COMPARE_GREATERTHANOREQUALTO";
  if (comparison == "COMPARE_GREATERTHAN") return "COMPARE_LESSTHAN";
  if (comparison == "COMPARE_GREATERTHANOREQUALTO") return "COMPARE_LESSTHANOREQUALTO";
  return comparison;
}

Predicate NullTest(const schema::Field& field, bool is_null) {
  Predicate predicate;
  predicate.kind = is_null ? Predicate::Kind::kIsNull : Predicate::Kind::kNotNull;
  predicate.field = field.id;
  return predicate;
}

Predicate Compare(const schema::Field& field, const std::string& comparison, const Json& constant) {
  const auto kind = ComparisonKind(comparison);
  auto value = PlanConstant(constant, field.type);
  if (!kind || !value) return {};
  Predicate predicate;
  predicate.kind = *kind;
  predicate.field = field.id;
  predicate.values.push_back(std::move(*value));
  return predicate;
}

Predicate In(const schema::Field& field, const std::vector<const Json*>& constants) {
  Predicate predicate;
  predicate.kind = Predicate::Kind::kIn;
  predicate.field = field.id;
  for (const auto* constant : constants) {
    auto value = PlanConstant(*constant, field.type);
    if (!value) return {};
    predicate.values.push_back(std::move(*value));
  }
  return predicate.values.empty() ? Predicate{} : predicate;
}

/// A filter kept as an expression, in which reference 0 is the column itself.
Predicate ReadExpression(const Json& node, const schema::Field& field) {
  const auto is_column = [](const Json& side) {
    return Text(side, "expression_class") == "BOUND_REF" && side.value("index", 1) == 0;
  };
  const auto is_constant = [](const Json& side) { return Text(side, "expression_class") == "BOUND_CONSTANT"; };
  const auto type = Text(node, "type");
  const auto expression_class = Text(node, "expression_class");
  if (expression_class == "BOUND_CONJUNCTION") {
    std::vector<Predicate> children;
    for (const auto& child : node.at("children")) children.push_back(ReadExpression(child, field));
    return type == "CONJUNCTION_AND" ? AllOf(std::move(children)) : AnyOf(std::move(children));
  }
  if (expression_class == "BOUND_COMPARISON") {
    const auto& left = node.at("left");
    const auto& right = node.at("right");
    if (is_column(left) && is_constant(right)) return Compare(field, type, right.at("value"));
    if (is_constant(left) && is_column(right)) return Compare(field, Mirrored(type), left.at("value"));
    return {};
  }
  if (expression_class != "BOUND_OPERATOR" || !is_column(node.at("children").at(0))) return {};
  if (type == "OPERATOR_IS_NULL" || type == "OPERATOR_IS_NOT_NULL") return NullTest(field, type == "OPERATOR_IS_NULL");
  if (type != "COMPARE_IN") return {};
  std::vector<const Json*> constants;
  for (size_t i = 1; i < node["children"].size(); ++i) {
    if (!is_constant(node["children"][i])) return {};
    constants.push_back(&node["children"][i].at("value"));
  }
  return In(field, constants);
}

Predicate ReadFilter(const Json& node, const schema::Field& field);

Predicate ReadConjunction(const Json& node, const schema::Field& field, bool all) {
  std::vector<Predicate> children;
  for (const auto& child : node.at("child_filters")) children.push_back(ReadFilter(child, field));
  return all ? AllOf(std::move(children)) : AnyOf(std::move(children));
}

Predicate ReadStructMember(const Json& node, const schema::Field& field) {
  const auto* members = std::get_if<schema::StructType>(&field.type);
  if (!members) return {};
  const auto index = node.value("child_idx", members->fields.size());
  if (index >= members->fields.size()) return {};
  return ReadFilter(node.at("child_filter"), members->fields[index]);
}

Predicate ReadFilter(const Json& node, const schema::Field& field) {
  const auto type = Text(node, "filter_type");
  if (type == "CONSTANT_COMPARISON") return Compare(field, Text(node, "comparison_type"), node.at("constant"));
  if (type == "CONJUNCTION_AND") return ReadConjunction(node, field, true);
  if (type == "CONJUNCTION_OR") return ReadConjunction(node, field, false);
  if (type == "IS_NULL") return NullTest(field, true);
  if (type == "IS_NOT_NULL") return NullTest(field, false);
  if (type == "STRUCT_EXTRACT") return ReadStructMember(node, field);
  if (type == "EXPRESSION_FILTER") return ReadExpression(node.at("expr"), field);
  if (type == "OPTIONAL_FILTER" && node.at("child_filter").is_object()) return ReadFilter(node["child_filter"], field);
  if (type == "IN_FILTER") {
    std::vector<const Json*> constants;
    for (const auto& value : node.at("values")) constants.push_back(&value);
    return In(field, constants);
  }
  return {};
}

Predicate ReadScan(const Json& scan, const schema::Schema& schema) {
  std::vector<Predicate> demands;
  for (const auto& filter : scan.at("table_filters").at("filters")) {
    const auto column = filter.at("key").get<size_t>();
    if (column < schema.fields.size()) demands.push_back(ReadFilter(filter.at("value"), schema.fields[column]));
  }
  return AllOf(std::move(demands));
}

/// The paths of the columns that one entry of "column_indexes" reads; nothing for what is no column, as a row's number.
void ReadColumns(const Json& entry, const std::vector<schema::Field>& fields, std::set<schema::FieldId>& found) {
  const auto index = entry.value("index", uint64_t{fields.size()});
  if (index >= fields.size()) return;
  const auto& field = fields[index];
  const auto* members = std::get_if<schema::StructType>(&field.type);
  const auto children = entry.find("child_indexes");
  if (!members || children == entry.end() || children->empty()) {
    found.insert(field.id);
    return;
  }
  for (const auto& child : *children) ReadColumns(child, members->fields, found);
}

/// What the scans of one table want, each.
struct Scans {
  std::vector<Predicate> demands;
  std::set<schema::FieldId> columns;
};

void Visit(const Json& node, const std::map<std::string, schema::Schema>& schemas,
           std::map<std::string, Scans>& found) {
  if (node.is_object() && Text(node, "type") == "LOGICAL_GET" && node.contains("function_data") &&
      node["function_data"].is_object()) {
    const auto& data = node["function_data"];
    const auto table = schemas.find(Lower(Text(data, "schema") + "." + Text(data, "table")));
    if (table != schemas.end()) {
      auto& scans = found[table->first];
      scans.demands.push_back(ReadScan(node, table->second));
      for (const auto& entry : node.value("column_indexes", Json::array()))
        ReadColumns(entry, table->second.fields, scans.columns);
    }
  }
  if (node.is_structured()) {
    for (const auto& child : node) Visit(child, schemas, found);
  }
}

}  // namespace

std::map<std::string, PushedScan> PushedFilters(const Json& plan,
                                                const std::map<std::string, schema::Schema>& schemas) {
  std::map<std::string, Scans> found;
  Visit(plan, schemas, found);
  std::map<std::string, PushedScan> pushed;
  for (auto& [table, scans] : found) {
    PushedScan scan{.predicate = AnyOf(std::move(scans.demands)), .columns = {}};
    for (const auto id : scans.columns) scan.columns.push_back(ColumnPath(schemas.at(table), id));
    pushed.emplace(table, std::move(scan));
  }
  return pushed;
}

}  // namespace millrace::query
