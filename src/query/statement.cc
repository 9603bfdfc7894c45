#include "query/statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "query/duckdb_json.h"

namespace millrace::query {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kMayRun = "only SELECT, WITH, VALUES, DESCRIBE, SUMMARIZE, SHOW TABLES and EXPLAIN run here";

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return text;
}

/// Table functions that make rows out of values alone. Everything else reads files, settings or other text as SQL.
bool MayBeTable(const std::string& function) {
  static const std::set<std::string> kAllowed = {"range",      "generate_series", "unnest",   "repeat",
                                                 "repeat_row", "json_each",       "json_tree"};
  return kAllowed.contains(function);
}

/// Scalar functions that look at, or touch, more than their arguments.
bool IsForbidden(const std::string& function) {
  static const std::set<std::string> kForbidden = {"current_setting",
                                                   "getvariable",
                                                   "getenv",
                                                   "write_log",
                                                   "sleep_ms",
                                                   "nextval",
                                                   "currval",
                                                   "setseed",
                                                   "add_parquet_key",
                                                   "current_query",
                                                   "json_execute_serialized_sql"};
  return kForbidden.contains(function);
}

size_t LineAt(const std::string& sql, size_t place) {
  return 1 + static_cast<size_t>(
                 std::count(sql.begin(), sql.begin() + static_cast<std::ptrdiff_t>(std::min(place, sql.size())), '\n'));
}

[[noreturn]] void Refuse(const std::string& sql, const Json& node, std::string_view why) {
  const auto place = node.value("query_location", uint64_t{0});
  throw Error(ErrorCode::kData, fmt::format("line {}: {}", place < sql.size() ? LineAt(sql, place) : 1, why));
}

/// Where the word that starts at `at` ends.
size_t WordEnd(std::string_view text, size_t at) {
  while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_')) ++at;
  return at;
}

/// The first place at or after `at` that is neither white space nor inside a comment.
size_t SkipBlank(std::string_view text, size_t at) {
  while (at < text.size()) {
    if (std::isspace(static_cast<unsigned char>(text[at]))) {
      ++at;
    } else if (text.substr(at, 2) == "--") {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      const auto end = text.find("*/", at + 2);
      at = end == std::string_view::npos ? text.size() : end + 2;
    } else {
      break;
    }
  }
  return at;
}

/// How many characters of "EXPLAIN [ANALYZE] [(options)]" the statement starts with.
size_t ExplainLength(const std::string& sql) {
  auto begin = SkipBlank(sql, 0);
  auto end = WordEnd(sql, begin);
  if (Lower(sql.substr(begin, end - begin)) != "explain") return 0;
  begin = SkipBlank(sql, end);
  end = WordEnd(sql, begin);
  if (Lower(sql.substr(begin, end - begin)) == "analyze") begin = SkipBlank(sql, end);
  const auto close = begin < sql.size() && sql[begin] == '(' ? sql.find(')', begin) : std::string::npos;
  // A parenthesis may also open the statement itself: "EXPLAIN (SELECT 1)".
  const auto word = Lower(sql.substr(std::min(begin + 1, sql.size()), 6));
  if (close != std::string::npos && (word == "format" || word == "analyz")) return close + 1;
  return begin;
}

/// Walks the parsed statement, checks each function and gathers the tables.
class Walk {
 public:
  Walk(const std::string& sql, Statement& statement) : sql_(sql), statement_(statement) {}

  void CollectCtes(const Json& node) {
    if (node.is_object()) {
      if (const auto map = node.find("cte_map"); map != node.end()) {
        for (const auto& entry : map->at("map")) ctes_.insert(Lower(entry.at("key").get<std::string>()));
      }
    }
    if (node.is_structured()) {
      for (const auto& child : node) CollectCtes(child);
    }
  }

  void Visit(const Json& node) {
    if (node.is_object()) {
      const auto type = node.contains("type") && node["type"].is_string() ? node["type"].get<std::string>() : "";
      if (type == "BASE_TABLE") return AddTable(node);
      if (type == "SHOW_REF" && node["query"].is_null()) return AddShow(node);
      if (type == "TABLE_FUNCTION") return VisitTableFunction(node);
      if (type == "VALUE_PARAMETER") return AddParameter(node);
      if (node.contains("function_name")) CheckScalar(node);
    }
    if (node.is_structured()) {
      for (const auto& child : node) Visit(child);
    }
  }

 private:
  void AddTable(const Json& node) {
    const auto& name = node["table_name"].get_ref<const std::string&>();
    const auto& schema = node["schema_name"].get_ref<const std::string&>();
    const auto& catalog = node["catalog_name"].get_ref<const std::string&>();
    if (schema.empty() && ctes_.contains(Lower(name))) return;
    if (!node["at_clause"].is_null()) {
      Refuse(sql_, node,
             fmt::format("AT ({} => ...) is not understood; read the past with --as-of",
                         node["at_clause"]["unit"].get<std::string>()));
    }
    const catalog::TableName table{catalog.empty() ? schema : catalog + "." + schema, name};
    if (std::find(statement_.tables.begin(), statement_.tables.end(), table) == statement_.tables.end()) {
      statement_.tables.push_back(table);
    }
  }

  void AddShow(const Json& node) {
    const auto what = node["table_name"].get<std::string>();
    if (what != "\"tables\"" && what != "__show_tables_expanded") Refuse(sql_, node, kMayRun);
    statement_.kind = Statement::Kind::kShowTables;
  }

  void AddParameter(const Json& node) {
    const auto& name = node["identifier"].get_ref<const std::string&>();
    auto& all = statement_.parameters;
    if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
  }

  void VisitTableFunction(const Json& node) {
    const auto& function = node["function"];
    const auto name = Lower(function["function_name"].get<std::string>());
    if (!MayBeTable(name)) {
      Refuse(
          sql_, node,
          fmt::format("{}() may not be read here: a statement names tables of the lake, not files or settings", name));
    }
    Visit(function["children"]);
  }

  void CheckScalar(const Json& node) const {
    const auto name = Lower(node["function_name"].get<std::string>());
    if (IsForbidden(name)) Refuse(sql_, node, fmt::format("{}() may not be used here", name));
  }

  const std::string& sql_;
  Statement& statement_;
  std::set<std::string> ctes_;
};

[[noreturn]] void ThrowParseError(const std::string& sql, const Json& answer) {
  if (answer.value("error_type", "") == "not implemented") {
    throw Error(ErrorCode::kData, fmt::format("{} (a PIVOT needs its values: ON x IN (...))", kMayRun));
  }
  const auto place = answer.value("position", std::string("0"));
  const auto at = place.empty() || place.find_first_not_of("0123456789") != std::string::npos ? 0 : std::stoull(place);
  throw Error(ErrorCode::kData, fmt::format("line {}: {}", LineAt(sql, at),
                                            answer.value("error_message", std::string("it does not parse"))));
}

/// Names of three parts mean a namespace with a dot in it; DuckDB would take the first for a database.
bool JoinNamespaces(Json& node) {
  bool changed = false;
  if (node.is_object() && node.value("type", Json()) == "BASE_TABLE" &&
      !node["catalog_name"].get<std::string>().empty()) {
    node["schema_name"] = node["catalog_name"].get<std::string>() + "." + node["schema_name"].get<std::string>();
    node["catalog_name"] = "";
    changed = true;
  }
  if (node.is_structured()) {
    for (auto& child : node) changed = JoinNamespaces(child) || changed;
  }
  return changed;
}

}  // namespace

Statement ReadStatement(Connection& connection, const std::string& sql) {
  constexpr size_t kSqlBytesMax = size_t{16} << 20;
  if (sql.size() > kSqlBytesMax) throw Error(ErrorCode::kData, "the statement is longer than 16 MiB");
  if (sql.find('\0') != std::string::npos) throw Error(ErrorCode::kData, "the statement has a NUL character in it");
  Statement statement;
  const auto explain = ExplainLength(sql);
  statement.select = sql.substr(explain);
  if (explain > 0) statement.explain_prefix = sql.substr(0, explain) + " ";
  auto answer =
      ParseDuckDbJson(connection.AskText("SELECT json_serialize_sql(CAST(? AS VARCHAR))", {statement.select}));
  if (answer.value("error", true)) ThrowParseError(statement.select, answer);
  auto& statements = answer["statements"];
  if (statements.empty()) throw Error(ErrorCode::kData, "there is no statement");
  if (statements.size() > 1) throw Error(ErrorCode::kData, "one statement at a time, please");
  Walk walk(statement.select, statement);
  walk.CollectCtes(statements);
  walk.Visit(statements);
  // The tree has the end of a statement, where LIMIT is, before its beginning.
  std::sort(statement.parameters.begin(), statement.parameters.end());
  if (JoinNamespaces(statements)) {
    statement.select = connection.AskText("SELECT json_deserialize_sql(CAST(? AS JSON))", {answer.dump()});
  }
  return statement;
}

}  // namespace millrace::query
