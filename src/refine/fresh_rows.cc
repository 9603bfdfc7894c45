#include "refine/fresh_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/engine.h"
#include "query/sql_text.h"

namespace millrace::refine {
namespace {

using query::QuoteName;
using query::SqlName;

/// ", <the row as JSON, where it goes into quarantine> AS <column>", when the model has a quarantine.
std::string RowColumn(const Model& model, bool fresh) {
  if (!HasQuarantine(model)) return "";
  const auto met = AllMet(model, Quarantines);
  const auto row = fresh ? fmt::format("CASE WHEN {} THEN NULL ELSE CAST(to_json(__millrace_r) AS VARCHAR) END", met)
                         : std::string("CAST(NULL AS VARCHAR)");
  return fmt::format(", {} AS {}", row, QuoteName(kRowColumn));
}

/// Leaves one row a key of the relation `rows`, beside those that are left out anyway. Draws are decided by the rows
/// themselves, so that a run repeats to the same table.
std::string OneAKey(const Model& model, const std::string& newer_first) {
  std::string keys;
  for (const auto& column : model.key) keys += (keys.empty() ? "" : ", ") + QuoteName(column);
  std::string order;
  for (const auto& column : model.newest_by) order += QuoteName(column) + " DESC NULLS LAST, ";
  const auto stays = AllMet(model, LeavesOut);
  return fmt::format(" QUALIFY NOT ({0}) OR row_number() OVER (PARTITION BY {1}, {0} ORDER BY {2}{3}hash(rows)) = 1",
                     stays, keys, order, newer_first);
}

/// "<relation>.k IS NOT DISTINCT FROM <other>.k AND ..." of the key.
std::string SameKey(const Model& model, std::string_view relation, std::string_view other) {
  std::string same;
  for (const auto& column : model.key) {
    same += fmt::format("{}{}.{} IS NOT DISTINCT FROM {}.{}", same.empty() ? "" : " AND ", relation, QuoteName(column),
                        other, QuoteName(column));
  }
  return same;
}

/// A row of a key keeps its place when its time is part of the key.
bool KeysMoveInTime(const Model& model) {
  return !model.key.empty() && std::ranges::find(model.key, model.event_time) == model.key.end();
}

/// "WITH fresh AS (...)": the fresh rows that take a place.
std::string WithFresh(const Model& model, const Replacement& replacement) {
  return fmt::format("WITH fresh AS MATERIALIZED (SELECT * FROM ({}) AS r WHERE {}) ", FreshRowsSql(model),
                     replacement.fresh);
}

}  // namespace

std::string InWindow(const Model& model, std::string_view relation, const TimeWindow& window) {
  return fmt::format("{0}.{1} >= {2} AND {0}.{1} < {3}", relation, QuoteName(model.event_time), window.from, window.to);
}

std::string ChecksSql(const Model& model, bool fresh) {
  std::string columns;
  for (size_t i = 0; i < model.expectations.size(); ++i) {
    const auto met =
        fresh ? fmt::format("coalesce(CAST(({}\n) AS BOOLEAN), false)", model.expectations[i].condition) : "true";
    columns += fmt::format(", {} AS {}", met, QuoteName(ExpectationColumn(i)));
  }
  return columns;
}

catalog::TableName FreshRowsName(const Model& model) { return {"rows of", ToString(model.name)}; }

std::string ExpectationColumn(size_t index) { return fmt::format("__millrace_expect_{}", index); }

bool LeavesOut(const Expectation& expectation) {
  return expectation.action == Expectation::Action::kDrop || Quarantines(expectation);
}

bool Quarantines(const Expectation& expectation) { return expectation.action == Expectation::Action::kQuarantine; }

bool HasQuarantine(const Model& model) { return std::ranges::any_of(model.expectations, Quarantines); }

bool KeepsQuarantine(const Model& model) {
  return HasQuarantine(model) || (model.watermark && model.watermark->late == Model::Watermark::Late::kQuarantine);
}

std::string AllMet(const Model& model, bool (*meant)(const Expectation&)) {
  std::string met;
  for (size_t i = 0; i < model.expectations.size(); ++i) {
    if (meant(model.expectations[i])) met += (met.empty() ? "" : " AND ") + QuoteName(ExpectationColumn(i));
  }
  return met.empty() ? "true" : met;
}

std::string FreshRowsSql(const Model& model) {
  const auto fresh = fmt::format("SELECT *{}{} FROM {} AS __millrace_r", ChecksSql(model, true), RowColumn(model, true),
                                 SqlName(FreshRowsName(model)));
  return model.key.empty() ? fresh : fmt::format("SELECT * FROM ({}) AS rows{}", fresh, OneAKey(model, ""));
}

std::string TouchedFilesSql(const Model& model) {
  return fmt::format("SELECT DISTINCT {} FROM {} AS old SEMI JOIN {} AS fresh ON ({})", QuoteName(query::kPathColumn),
                     SqlName(model.name), SqlName(FreshRowsName(model)), SameKey(model, "old", "fresh"));
}

std::string MergedRowsSql(const Model& model) {
  return fmt::format(
      "SELECT * FROM (SELECT *{}{}, 1 AS {} FROM {} AS __millrace_r UNION ALL BY NAME SELECT *{}{}, 0 AS {} FROM {}) "
      "AS rows{}",
      ChecksSql(model, true), RowColumn(model, true), QuoteName(kFreshColumn), SqlName(FreshRowsName(model)),
      ChecksSql(model, false), RowColumn(model, false), QuoteName(kFreshColumn), SqlName(model.name),
      OneAKey(model, QuoteName(kFreshColumn) + " DESC, "));
}

Replacement ReplacementOf(const Model& model, const TimeWindow& window, const ReplacementNames& names) {
  if (!KeysMoveInTime(model)) return {InWindow(model, "r", window), InWindow(model, "old", window)};
  return {
      .fresh = fmt::format("(({}) OR EXISTS (SELECT 1 FROM {} AS old WHERE {} AND {}))", InWindow(model, "r", window),
                           names.table, InWindow(model, "old", window), SameKey(model, "old", "r")),
      .old = fmt::format("(({}) OR EXISTS (SELECT 1 FROM {} AS fresh WHERE {}))", InWindow(model, "old", window),
                         names.fresh, SameKey(model, "fresh", "old")),
      .old_reads_fresh = true};
}

Replacement ReplacementOf(const PartitionSlices& slices, ModelEngine engine) {
  return {InSlices(slices, "r", engine), InSlices(slices, "old", engine)};
}

std::string ReplacedFilesSql(const Model& model, const Replacement& replacement) {
  return fmt::format("{}SELECT DISTINCT {} FROM {} AS old WHERE {}",
                     replacement.old_reads_fresh ? WithFresh(model, replacement) : "", QuoteName(query::kPathColumn),
                     SqlName(model.name), replacement.old);
}

std::string ReplacingRowsSql(const Model& model, const Replacement& replacement) {
  return fmt::format(
      "{0}SELECT *, 1 AS {1} FROM fresh UNION ALL BY NAME SELECT *{2}{3}, 0 AS {1} FROM {4} AS old WHERE NOT "
      "coalesce({5}, false)",
      WithFresh(model, replacement), QuoteName(kFreshColumn), ChecksSql(model, false), RowColumn(model, false),
      SqlName(model.name), replacement.old);
}

std::string ReplacingFreshSql(const Model& model, const Replacement& replacement) {
  return WithFresh(model, replacement) + "SELECT * FROM fresh";
}

}  // namespace millrace::refine
