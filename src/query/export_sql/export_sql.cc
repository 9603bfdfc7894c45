#include "query/export_sql/export_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <memory>

#include "base/error.h"
#include "query/export_sql/dialect.h"

namespace millrace::query {
namespace {

struct DialectEntry {
  const char* word;
  SqlDialect dialect;
  const char* title;
  std::unique_ptr<Dialect> (*make)();
};
constexpr std::array<DialectEntry, 8> kDialects = {{
    {"athena", SqlDialect::kAthena, "Athena", MakeAthenaDialect},
    {"bigquery", SqlDialect::kBigQuery, "BigQuery", MakeBigQueryDialect},
    {"clickhouse", SqlDialect::kClickHouse, "ClickHouse", MakeClickHouseDialect},
    {"duckdb", SqlDialect::kDuckDb, "DuckDB", MakeDuckDbDialect},
    {"redshift", SqlDialect::kRedshift, "Redshift", MakeRedshiftDialect},
    {"snowflake", SqlDialect::kSnowflake, "Snowflake", MakeSnowflakeDialect},
    {"spark", SqlDialect::kSpark, "Spark", MakeSparkDialect},
    {"trino", SqlDialect::kTrino, "Trino", MakeTrinoDialect},
}};

constexpr size_t kCheckedColumnsMax = 20;
constexpr std::array kPlace = {"_topic", "_partition", "_offset"};
constexpr const char* kLanded = "_ingested_at";

using Path = std::vector<std::string>;

bool IsOneOf(const schema::Type& type, std::initializer_list<schema::Primitive> kinds) {
  const auto* primitive = std::get_if<schema::PrimitiveType>(&type);
  return primitive != nullptr && std::ranges::find(kinds, primitive->kind) != kinds.end();
}
bool IsTime(const schema::Type& type) {
  using enum schema::Primitive;
  return IsOneOf(type, {kTimestamp, kTimestamptz, kDate});
}
bool IsNumber(const schema::Type& type) {
  using enum schema::Primitive;
  return IsOneOf(type, {kInt, kLong, kFloat, kDouble, kDecimal});
}
bool IsText(const schema::Type& type) { return IsOneOf(type, {schema::Primitive::kString}); }
bool IsOurs(const std::string& name) { return name.starts_with('_'); }

/// The first column, not of ours, whose type is so.
const schema::Field* FirstColumn(const ExportedTable& table, const std::function<bool(const schema::Type&)>& is) {
  const auto found = std::ranges::find_if(
      table.schema.fields, [&](const schema::Field& field) { return !IsOurs(field.name) && is(field.type); });
  return found == table.schema.fields.end() ? nullptr : &*found;
}

/// The first member of a struct that is a plain value.
Path FirstMember(const std::vector<schema::Field>& fields, const Path& above) {
  for (const auto& field : fields) {
    auto path = above;
    path.push_back(field.name);
    if (const auto* group = std::get_if<schema::StructType>(&field.type)) {
      if (auto found = FirstMember(group->fields, path); !found.empty()) return found;
    } else if (!above.empty() && std::holds_alternative<schema::PrimitiveType>(field.type)) {
      return path;
    }
  }
  return {};
}

/// The queries about one table.
class Queries {
 public:
  Queries(const Dialect& dialect, const ExportedLake& lake, const ExportedTable& table, SqlScript& script)
      : dialect_(dialect), table_(table), script_(script), from_(dialect.Reference(lake, table) + " AS t") {}

  void AboutContent() {
    const auto* time = table_.schema.Find(table_.time_column);
    if (time == nullptr || table_.time_column.empty()) time = FirstColumn(table_, IsTime);
    if (time != nullptr) {
      const auto day = fmt::format("CAST({} AS DATE)", dialect_.Member({time->name}));
      Ask("Rows by day.",
          fmt::format("SELECT {0} AS on_day, COUNT(*) AS row_count FROM {1} GROUP BY {0} ORDER BY {0} DESC LIMIT 30",
                      day, from_));
    }
    if (const auto* text = FirstColumn(table_, IsText)) Frequent({text->name});
    std::vector<schema::Field> open;
    std::ranges::copy_if(table_.schema.fields, std::back_inserter(open),
                         [&](const schema::Field& field) { return dialect_.HasMembers(table_, field); });
    if (const auto member = FirstMember(open, {}); !member.empty()) Frequent(member);
    if (const auto* number = FirstColumn(table_, IsNumber)) {
      const auto value = dialect_.Member({number->name});
      Ask("The range of " + number->name + ".",
          fmt::format("SELECT MIN({0}) AS smallest, MAX({0}) AS largest, AVG({0}) AS average FROM {1}", value, from_));
    }
  }

  void AboutQuality() {
    if (!table_.key.empty()) Twice("Rows that share a key: there should be none.", table_.key);
    const auto has = [&](const char* name) { return table_.schema.Find(name) != nullptr; };
    if (std::ranges::all_of(kPlace, has))
      Twice("Events that landed twice: there should be none.", {kPlace.begin(), kPlace.end()});
    std::string missing;
    size_t columns = 0;
    for (const auto& field : table_.schema.fields) {
      if (IsOurs(field.name) || !std::holds_alternative<schema::PrimitiveType>(field.type)) continue;
      if (++columns > kCheckedColumnsMax) break;
      missing += fmt::format(", COUNT(*) - COUNT({}) AS {}", dialect_.Member({field.name}), dialect_.Name(field.name));
    }
    if (!missing.empty())
      Ask("Values that are missing, by column.", fmt::format("SELECT COUNT(*) AS row_count{} FROM {}", missing, from_));
    if (has(kLanded))
      Ask("How fresh it is.", fmt::format("SELECT MAX({}) AS landed_last FROM {}", dialect_.Member({kLanded}), from_));
  }

 private:
  void Ask(const std::string& about, const std::string& query) {
    script_.Say(about);
    script_.Add(query);
  }
  void Frequent(const Path& path) {
    const auto value = dialect_.Member(path);
    Ask("What " + path.back() + " is most often.",
        fmt::format(
            "SELECT {0} AS found_value, COUNT(*) AS row_count FROM {1} GROUP BY {0} ORDER BY COUNT(*) DESC LIMIT 10",
            value, from_));
  }
  void Twice(const std::string& about, const std::vector<std::string>& columns) {
    std::string list;
    for (const auto& column : columns) {
      Path path;
      std::string_view rest = column;
      for (auto dot = rest.find('.'); dot != std::string_view::npos && table_.schema.Find(rest) == nullptr;
           dot = rest.find('.')) {
        path.emplace_back(rest.substr(0, dot));
        rest.remove_prefix(dot + 1);
      }
      path.emplace_back(rest);
      list += (list.empty() ? "" : ", ") + dialect_.Member(path);
    }
    Ask(about, fmt::format("SELECT {0}, COUNT(*) AS row_count FROM {1} GROUP BY {0} HAVING COUNT(*) > 1 LIMIT 100",
                           list, from_));
  }

  const Dialect& dialect_;
  const ExportedTable& table_;
  SqlScript& script_;
  const std::string from_;
};

}  // namespace

std::optional<SqlDialect> ParseSqlDialect(std::string_view word) {
  const auto found = std::ranges::find_if(kDialects, [&](const auto& entry) { return entry.word == word; });
  return found == kDialects.end() ? std::nullopt : std::optional(found->dialect);
}

std::string SqlDialectWords() {
  std::string words;
  for (const auto& entry : kDialects) words += (words.empty() ? "" : ", ") + std::string(entry.word);
  return words;
}

std::string ExportSql(SqlDialect wanted, const ExportedLake& lake, const std::vector<ExportedTable>& tables) {
  const auto& entry = *std::ranges::find(kDialects, wanted, &DialectEntry::dialect);
  const auto dialect = entry.make();
  if (!dialect->ReadsLocalFolders() && lake.warehouse.find("://") != std::string::npos &&
      lake.warehouse.starts_with("file://")) {
    throw Error(ErrorCode::kUsage, fmt::format("{} cannot read the folder {}; let lake.warehouse be a bucket, or take "
                                               "another dialect: duckdb, spark, trino, clickhouse",
                                               entry.title, lake.warehouse));
  }
  SqlScript script;
  script.Say(
      fmt::format("The tables of {} for {}. What only you know stands in <angle brackets>.", lake.name, entry.title));
  dialect->Prepare(lake, tables, script);
  for (auto table : tables) {
    std::erase_if(table.schema.fields, [&](const schema::Field& field) { return !dialect->Sees(table, field); });
    script.Say("---- " + catalog::ToString(table.name));
    dialect->Define(lake, table, script);
    Queries queries(*dialect, lake, table, script);
    queries.AboutContent();
    queries.AboutQuality();
  }
  return std::move(script).Finish();
}

}  // namespace millrace::query
