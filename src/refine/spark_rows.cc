#include "refine/spark_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/letter_case.h"
#include "query/sql_text.h"
#include "refine/fresh_rows.h"

namespace millrace::refine {
namespace {

using query::QuoteName;
using query::QuoteText;

constexpr const char* kRank = "__millrace_rank";

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::any_of(names, [&](const std::string& other) { return SameInAnyCase(other, name); });
}

/// "a", "b", "NULL AS c": the columns of the table out of those that are there.
std::vector<std::string> Aligned(const SparkColumns& columns, const std::vector<std::string>& there) {
  std::vector<std::string> list;
  for (const auto& column : columns.table)
    list.push_back((Contains(there, column) ? "" : "NULL AS ") + QuoteName(column));
  return list;
}

std::string FilesList(const SparkTable& table) {
  std::string files;
  for (const auto& file : table.files) files += (files.empty() ? "" : ", ") + QuoteText(file);
  return files;
}

std::string MergedSql(const Model& model, const SparkColumns& columns, const SparkTable& old) {
  return fmt::format("SELECT {0}{1}, 1 AS {2} FROM {3} UNION ALL SELECT {4}{5}, 0 AS {2} FROM {6} WHERE _file IN ({7})",
                     fmt::join(Aligned(columns, columns.made), ", "), ChecksSql(model, true), QuoteName(kFreshColumn),
                     kSparkRows, fmt::join(Aligned(columns, old.columns), ", "), ChecksSql(model, false), old.sql,
                     FilesList(old));
}

/// What is counted on the way, in the order that CheckedRows says.
std::vector<std::string> Counts(const Model& model, bool with_old) {
  std::vector<std::string> counts;
  counts.push_back(with_old ? fmt::format("count_if({} = 1)", QuoteName(kFreshColumn)) : "count(1)");
  counts.push_back(fmt::format("count_if(NOT ({}))", AllMet(model, LeavesOut)));
  counts.push_back(fmt::format("count_if(NOT ({}))", AllMet(model, Quarantines)));
  for (size_t i = 0; i < model.expectations.size(); ++i)
    counts.push_back(fmt::format("count_if(NOT {})", QuoteName(ExpectationColumn(i))));
  return counts;
}

/// One row a key stays, beside those that are dropped anyway: the newest, then the fresh one; what is then a draw is
/// decided by the rows themselves, so that a run repeats to the same table.
std::string OneAKey(const Model& model, const SparkColumns& columns, const std::string& rows, bool merged) {
  const auto stays = AllMet(model, LeavesOut);
  std::string keys, order, hashed;
  for (const auto& column : model.key) keys += QuoteName(column) + ", ";
  for (const auto& column : model.newest_by) order += QuoteName(column) + " DESC NULLS LAST, ";
  if (merged) order += QuoteName(kFreshColumn) + " DESC, ";
  for (const auto& column : columns.hashed) hashed += (hashed.empty() ? "" : ", ") + QuoteName(column);
  return fmt::format(
      "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY {0}{1} ORDER BY {2}xxhash64({3})) AS {4} FROM ({5}) AS "
      "rows) AS ranked WHERE NOT ({1}) OR {4} = 1",
      keys, stays, order, hashed, QuoteName(kRank), rows);
}

}  // namespace

query::SparkSession::Counted CheckedRows(const Model& model, const SparkColumns& columns, const SparkTable* old) {
  const bool merged = old != nullptr;
  auto rows = merged ? MergedSql(model, columns, *old)
                     : fmt::format("SELECT *{} FROM {} AS __millrace_r", ChecksSql(model, true), kSparkRows);
  if (!model.key.empty()) rows = OneAKey(model, columns, rows, merged);
  return {.sql = std::move(rows),
          .counts = Counts(model, merged),
          .filter = AllMet(model, LeavesOut),
          .columns = Aligned(columns, merged ? columns.table : columns.made)};
}

query::SparkSession::Counted ReplacingRows(const Model& model, const SparkColumns& columns, const SparkTable& old,
                                           const Replacement& replacement) {
  std::string met;
  for (size_t i = 0; i < model.expectations.size(); ++i) met += ", " + QuoteName(ExpectationColumn(i));
  auto rows = fmt::format("SELECT {}{}, 1 AS {} FROM {}", fmt::join(Aligned(columns, columns.made), ", "), met,
                          QuoteName(kFreshColumn), kSparkFresh);
  if (!old.files.empty()) {
    rows +=
        fmt::format(" UNION ALL SELECT {}{}, 0 AS {} FROM {} AS old WHERE _file IN ({}) AND NOT coalesce({}, false)",
                    fmt::join(Aligned(columns, old.columns), ", "), ChecksSql(model, false), QuoteName(kFreshColumn),
                    old.sql, FilesList(old), replacement.old);
  }
  return {.sql = std::move(rows),
          .counts = Counts(model, true),
          .filter = AllMet(model, LeavesOut),
          .columns = Aligned(columns, columns.table)};
}

std::string SparkFreshSql(const Model& model, const SparkColumns& columns, const Replacement& replacement) {
  auto rows = fmt::format("SELECT *{} FROM {} AS __millrace_r", ChecksSql(model, true), kSparkRows);
  if (!model.key.empty()) rows = OneAKey(model, columns, rows, false);
  return fmt::format("SELECT * FROM ({}) AS r WHERE {}", rows, replacement.fresh);
}

std::string SparkQuarantineSql(const Model& model, const std::string& condition) {
  return fmt::format(
      "SELECT *, to_json(__millrace_row_of, map('ignoreNullFields', 'false', 'timestampFormat', "
      "'yyyy-MM-dd HH:mm:ss.SSSSSSXXX')) AS {} FROM (SELECT struct(*) AS __millrace_row_of{} FROM (SELECT * FROM {} AS "
      "r "
      "WHERE {}) AS __millrace_r) WHERE NOT ({})",
      QuoteName(kRowColumn), ChecksSql(model, true), kSparkRows, condition, AllMet(model, Quarantines));
}

std::string SparkTouchedFilesSql(const Model& model, const std::string& table) {
  std::string same;
  for (const auto& column : model.key)
    same += fmt::format("{0}old.{1} <=> fresh.{1}", same.empty() ? "" : " AND ", QuoteName(column));
  return fmt::format("SELECT DISTINCT _file FROM {} AS old LEFT SEMI JOIN {} AS fresh ON {}", table, kSparkRows, same);
}

std::string SparkReplacedFilesSql(const Replacement& replacement, const std::string& table) {
  return fmt::format("SELECT DISTINCT _file FROM {} AS old WHERE {}", table, replacement.old);
}

}  // namespace millrace::refine
