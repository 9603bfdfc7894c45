#include "query/record_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "query/duckdb_json.h"
#include "query/sql_text.h"

namespace millrace::query {
namespace {

using Json = nlohmann::json;

constexpr const char* kRecord = "__record";
constexpr std::string_view kBatch = "batch";

std::map<std::string, std::string> Settings() {
  return {{"threads", "1"},
          {"memory_limit", "512MB"},
          {"temp_directory", ""},  // batches are small, and nothing is left where the process happens to stand
          {"autoinstall_known_extensions", "false"},
          {"autoload_known_extensions", "false"}};
}

/// What both can be read as.
Json Merged(const Json& one, const Json& other) {
  if (one == other || other == "NULL") return one;
  if (one == "NULL") return other;
  if (one.is_object() && other.is_object()) {
    Json both = one;
    for (const auto& [name, type] : other.items()) {
      both[name] = both.contains(name) ? Merged(both[name], type) : type;
    }
    return both;
  }
  if (one.is_array() && other.is_array()) return Json::array({Merged(one.at(0), other.at(0))});
  if (one.is_string() && other.is_string()) {
    const std::vector<std::string> widening = {"BIGINT", "HUGEINT", "DOUBLE"};
    const auto a = std::ranges::find(widening, one.get<std::string>());
    const auto b = std::ranges::find(widening, other.get<std::string>());
    if (a != widening.end() && b != widening.end()) return *std::max(a, b);
  }
  return "JSON";
}

/// Numbers without a sign are signed: `n - 10` is to be a number too.
Json Signed(const Json& shape) {
  if (shape == "UBIGINT") return "HUGEINT";
  Json result = shape;
  for (auto& part : result) {
    if (result.is_structured()) part = Signed(part);
  }
  return result;
}

/// The columns that a statement names, as paths, without the names of tables before them.
class NamedColumns {
 public:
  explicit NamedColumns(const Json& statement) {
    Tables(statement);
    Walk(statement);
  }

  /// Null wherever no record has had them.
  Json Shape() const {
    Json shape = Json::object();
    for (const auto& path : paths_) Add(shape, path);
    return shape;
  }

 private:
  void Tables(const Json& node) {
    if (node.is_object() && node.value("type", Json()) == "BASE_TABLE") {
      tables_.insert(node.value("table_name", ""));
      tables_.insert(node.value("alias", ""));
    }
    if (node.is_structured()) {
      for (const auto& part : node) Tables(part);
    }
  }
  void Walk(const Json& node) {
    if (node.is_object() && node.value("class", Json()) == "LAMBDA") return;  // names of its own
    if (node.is_object() && node.value("class", Json()) == "STAR") {
      for (const auto& name : node.value("exclude_list", Json::array())) {
        if (name.is_string()) paths_.push_back({name.get<std::string>()});
      }
    }
    if (node.is_object() && node.value("class", Json()) == "COLUMN_REF") {
      auto path = node.value("column_names", std::vector<std::string>());
      if (path.size() > 1 && tables_.contains(path[0])) path.erase(path.begin());
      if (!path.empty() && path[0] != kRecord) paths_.push_back(std::move(path));
      return;
    }
    if (node.is_structured()) {
      for (const auto& part : node) Walk(part);
    }
  }
  static void Add(Json& shape, std::span<const std::string> path) {
    auto& member = shape[path[0]];
    if (path.size() == 1) {
      if (member.is_null()) member = "NULL";
      return;
    }
    if (!member.is_object()) member = Json::object();
    Add(member, path.subspan(1));
  }

  std::set<std::string> tables_;
  std::vector<std::vector<std::string>> paths_;
};

void RequireOneByOne(const Json& node) {
  const bool plain = node.value("type", "") == "SELECT_NODE" && node.value("modifiers", Json::array()).empty() &&
                     node.value("group_expressions", Json::array()).empty();
  if (plain) return;
  throw Error(ErrorCode::kConfig, "it looks at one record at a time: no UNION, GROUP BY, DISTINCT, ORDER BY or LIMIT");
}

}  // namespace

RecordSql::RecordSql(const std::string& where, const std::string& transform)
    : database_(Settings()), connection_(database_), shape_(Json::object()) {
  connection_.Execute("SET GLOBAL TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true");
  connection_.Execute("CREATE TABLE incoming (__record BIGINT, text VARCHAR)");
  connection_.Execute("CREATE TABLE records (__record BIGINT, value JSON)");
  if (!where.empty() && !transform.empty()) {
    throw Error(ErrorCode::kConfig, "give either `where` or `transform`; a transform can have a WHERE of its own");
  }
  if (transform.empty()) {
    PrepareWhere(where);
  } else {
    PrepareTransform(transform);
  }
  std::string why;
  if (!Binds(shape_, &why)) throw Error(ErrorCode::kConfig, why);
  Use(shape_);
}

RecordSql::~RecordSql() = default;

RecordSql::Json RecordSql::Serialized(const std::string& sql, const std::string& option) {
  auto parsed = ParseDuckDbJson(connection_.AskText(fmt::format("SELECT json_serialize_sql({})", QuoteText(sql)), {}));
  if (parsed.value("error", false)) {
    throw Error(ErrorCode::kConfig, fmt::format("{}: {}", option, parsed.value("error_message", "no SELECT")));
  }
  if (parsed["statements"].size() != 1) throw Error(ErrorCode::kConfig, option + ": one statement, please");
  return parsed;
}

void RecordSql::PrepareWhere(const std::string& where) {
  statement_ = fmt::format("SELECT {}, '' FROM {} WHERE ({}\n)", kRecord, kBatch, where);
  const auto parsed = Serialized(statement_, "where");
  RequireOneByOne(parsed["statements"][0]["node"]);
  shape_ = NamedColumns(parsed).Shape();
}

/// The record's number goes through the statement as one more column.
void RecordSql::PrepareTransform(const std::string& transform) {
  transforms_ = true;
  auto parsed = Serialized(transform, "transform");
  auto& node = parsed["statements"][0]["node"];
  RequireOneByOne(node);
  shape_ = NamedColumns(parsed).Shape();
  for (auto& selected : node["select_list"]) {
    if (selected.value("class", "") == "STAR") selected["exclude_list"].push_back(kRecord);
  }
  auto number = Json{{"class", "COLUMN_REF"},
                     {"type", "COLUMN_REF"},
                     {"alias", ""},
                     {"query_location", 0},
                     {"column_names", {kRecord}}};
  node["select_list"].insert(node["select_list"].begin(), std::move(number));
  const auto with_number =
      connection_.AskText(fmt::format("SELECT json_deserialize_sql({})", QuoteText(parsed.dump())), {});
  statement_ = fmt::format("SELECT {0}, to_json(__row)::VARCHAR FROM ({1}) __row", kRecord, with_number);
}

void RecordSql::Use(const Json& shape) {
  shape_ = shape;
  if (shape.empty()) {
    connection_.Execute("CREATE OR REPLACE VIEW batch AS SELECT __record FROM records");
    return;
  }
  connection_.Execute(
      fmt::format("CREATE OR REPLACE VIEW batch AS SELECT __record, unnest(json_transform(value, {})) FROM records",
                  QuoteText(shape.dump())));
}

bool RecordSql::Binds(const Json& shape, std::string* why) {
  const auto before = shape_;
  try {
    Use(shape);
    connection_.Execute("EXPLAIN " + statement_);
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kData) throw;
    if (why != nullptr) *why = error.message();
  }
  Use(before);
  return false;
}

void RecordSql::Load(std::span<const std::string_view> records) {
  connection_.Execute("DELETE FROM incoming; DELETE FROM records");
  connection_.AppendTexts("incoming", records);
  connection_.Execute(
      "INSERT INTO records SELECT __record, text FROM incoming "
      "WHERE CASE WHEN json_valid(text) THEN json_type(text) = 'OBJECT' ELSE false END");
}

/// Records that are no objects.
std::vector<uint32_t> RecordSql::TakeOthers() {
  return Numbers("SELECT __record FROM incoming WHERE __record NOT IN (SELECT __record FROM records)");
}

RecordSql::Json RecordSql::Shape() {
  const auto text = connection_.AskText("SELECT coalesce(json_group_structure(value)::VARCHAR, '{}') FROM records", {});
  return Merged(shape_, Signed(ParseDuckDbJson(text)));
}

/// A record whose members the SQL does not take as they are is left out, and said.
void RecordSql::AdoptShape(std::vector<Failure>& failures) {
  const auto shape = Shape();
  if (shape == shape_ || Binds(shape, nullptr)) return;
  std::vector<std::pair<uint32_t, std::string>> alone;
  connection_.ForEachRow(
      "SELECT __record, json_group_structure(value)::VARCHAR FROM records GROUP BY __record ORDER BY __record",
      [&](int64_t record, std::string_view text) { alone.emplace_back(static_cast<uint32_t>(record), text); });
  std::map<std::string, std::string> refused;  // most are like others: why, by what they are
  for (const auto& [record, text] : alone) {
    auto found = refused.find(text);
    if (found == refused.end()) {
      const auto merged = Merged(shape_, Signed(ParseDuckDbJson(text)));
      std::string why;
      if (merged == shape_ || Binds(merged, &why)) continue;
      found = refused.emplace(text, std::move(why)).first;
    }
    failures.push_back({record, found->second});
    connection_.Execute(fmt::format("DELETE FROM records WHERE __record = {}", record));
  }
}

RecordSql::Result RecordSql::Run(std::span<const std::string_view> records) {
  Result result;
  Load(records);
  for (const uint32_t other : TakeOthers()) result.rows.push_back({other, {}, false});
  AdoptShape(result.failures);
  try {
    for (auto& row : Rows()) result.rows.push_back(std::move(row));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kData) throw;
    RunAlone(Numbers("SELECT __record FROM records"), result);
  }
  std::ranges::stable_sort(result.rows, {}, &Row::record);
  const auto twice = std::ranges::adjacent_find(result.rows, {}, &Row::record);
  if (twice != result.rows.end()) {
    throw Error(ErrorCode::kConfig, "the transform makes several rows of one record, which is not done here");
  }
  return result;
}

/// A statement that failed is run for each record, so that only those fail that are to blame.
void RecordSql::RunAlone(const std::vector<uint32_t>& records, Result& result) {
  for (const uint32_t record : records) {
    connection_.Execute("DELETE FROM records");
    connection_.Execute(
        fmt::format("INSERT INTO records SELECT __record, text FROM incoming WHERE __record = {}", record));
    try {
      for (auto& row : Rows()) result.rows.push_back(std::move(row));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kData) throw;
      result.failures.push_back({record, error.message()});
    }
  }
}

std::vector<RecordSql::Row> RecordSql::Rows() {
  std::vector<Row> rows;
  connection_.ForEachRow(statement_, [&](int64_t record, std::string_view text) {
    rows.push_back({static_cast<uint32_t>(record), std::string(text), true});
  });
  if (!transforms_) return rows;
  for (auto& row : rows) {
    // {"__record":7,"a":1}
    const auto end = row.json.find_first_of(",}");
    row.json = row.json[end] == ',' ? "{" + row.json.substr(end + 1) : "{}";
  }
  return rows;
}

std::vector<uint32_t> RecordSql::Numbers(const std::string& sql) {
  std::vector<uint32_t> numbers;
  connection_.ForEachRow(fmt::format("SELECT *, '' FROM ({})", sql),
                         [&](int64_t number, std::string_view) { numbers.push_back(static_cast<uint32_t>(number)); });
  return numbers;
}

}  // namespace millrace::query
