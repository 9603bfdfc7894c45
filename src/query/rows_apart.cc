#include "query/rows_apart.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/letter_case.h"
#include "query/duckdb_json.h"

namespace millrace::query {
namespace {

using Json = nlohmann::json;

std::string Text(const Json& node, const char* member) {
  const auto found = node.find(member);
  return found != node.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool IsThere(const Json& node, const char* member) {
  const auto found = node.find(member);
  return found != node.end() && !found->is_null();
}

class Walk {
 public:
  explicit Walk(const catalog::TableName& table) : table_(table) {}

  void Visit(const Json& node) {
    if (node.is_object()) Look(node);
    if (!node.is_structured()) return;
    for (const auto& child : node) Visit(child);
  }

  std::optional<std::string> why;
  int times = 0;

 private:
  void Look(const Json& node) {
    const auto type = Text(node, "type");
    if (type == "BASE_TABLE") {
      const auto catalog = Text(node, "catalog_name");
      const auto schema = (catalog.empty() ? "" : catalog + ".") + Text(node, "schema_name");
      if (SameInAnyCase(schema, table_.name_space) && SameInAnyCase(Text(node, "table_name"), table_.name)) ++times;
    }
    if (IsThere(node, "having")) why = "HAVING";
    if (IsThere(node, "qualify")) why = "QUALIFY";
    if (Text(node, "class") == "WINDOW") why = "a window function";
    if (type == "LIMIT_MODIFIER" || type == "LIMIT_PERCENT_MODIFIER") why = "LIMIT";
    if (type == "DISTINCT_MODIFIER" && node.contains("distinct_on_targets") && !node["distinct_on_targets"].empty())
      why = "DISTINCT ON";
    if (IsThere(node, "sample")) why = "a sample";
  }

  const catalog::TableName& table_;
};

}  // namespace

std::optional<std::string> WhyNotApart(Connection& parser, const std::string& sql, const catalog::TableName& table,
                                       int& times) {
  const auto answer = ParseDuckDbJson(parser.AskText("SELECT json_serialize_sql(CAST(? AS VARCHAR))", {sql}));
  if (answer.value("error", true))
    throw Error(ErrorCode::kData, answer.value("error_message", std::string("it does not parse")));
  Walk walk(table);
  walk.Visit(answer.at("statements"));
  times += walk.times;
  return walk.why;
}

}  // namespace millrace::query
