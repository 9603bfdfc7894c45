#include "refine/fresh_rows.h"

#include <fmt/format.h>

#include "query/engine.h"

namespace millrace::refine {
namespace {

std::string Quoted(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string SqlName(const catalog::TableName& name) { return Quoted(name.name_space) + "." + Quoted(name.name); }

/// ", <what> AS <column of the expectation>" for each; a condition that is null is not met.
std::string Checks(const Model& model, bool fresh) {
  std::string columns;
  for (size_t i = 0; i < model.expectations.size(); ++i) {
    const auto met =
        fresh ? fmt::format("coalesce(CAST(({}\n) AS BOOLEAN), false)", model.expectations[i].condition) : "true";
    columns += fmt::format(", {} AS {}", met, Quoted(ExpectationColumn(i)));
  }
  return columns;
}

/// Rows that will be dropped compete only with each other for the place of their key.
std::string DropColumns(const Model& model) {
  std::string columns;
  for (size_t i = 0; i < model.expectations.size(); ++i) {
    if (model.expectations[i].action == Expectation::Action::kDrop) columns += ", " + Quoted(ExpectationColumn(i));
  }
  return columns;
}

/// Leaves one row a key of the relation `rows`. Draws are decided by the rows themselves, so that a run repeats to the
/// same table.
std::string OneAKey(const Model& model, const std::string& newer_first) {
  std::string keys;
  for (const auto& column : model.key) keys += (keys.empty() ? "" : ", ") + Quoted(column);
  std::string order;
  for (const auto& column : model.newest_by) order += Quoted(column) + " DESC NULLS LAST, ";
  return fmt::format(" QUALIFY row_number() OVER (PARTITION BY {}{} ORDER BY {}{}hash(rows)) = 1", keys,
                     DropColumns(model), order, newer_first);
}

}  // namespace

catalog::TableName FreshRowsName(const Model& model) { return {"rows of", ToString(model.name)}; }

std::string ExpectationColumn(size_t index) { return fmt::format("__millrace_expect_{}", index); }

std::string FreshRowsSql(const Model& model) {
  const auto fresh = fmt::format("SELECT *{} FROM {}", Checks(model, true), SqlName(FreshRowsName(model)));
  return model.key.empty() ? fresh : fmt::format("SELECT * FROM ({}) AS rows{}", fresh, OneAKey(model, ""));
}

std::string TouchedFilesSql(const Model& model) {
  std::string same;
  for (const auto& column : model.key) {
    same += fmt::format("{}old.{} IS NOT DISTINCT FROM fresh.{}", same.empty() ? "" : " AND ", Quoted(column),
                        Quoted(column));
  }
  return fmt::format("SELECT DISTINCT {} FROM {} AS old SEMI JOIN {} AS fresh ON ({})", Quoted(query::kPathColumn),
                     SqlName(model.name), SqlName(FreshRowsName(model)), same);
}

std::string MergedRowsSql(const Model& model) {
  return fmt::format(
      "SELECT * EXCLUDE (__millrace_fresh) FROM (SELECT *{}, 1 AS __millrace_fresh FROM {} UNION ALL BY NAME SELECT "
      "*{}, 0 AS __millrace_fresh FROM {}) "
      "AS rows{}",
      Checks(model, true), SqlName(FreshRowsName(model)), Checks(model, false), SqlName(model.name),
      OneAKey(model, "__millrace_fresh DESC, "));
}

}  // namespace millrace::refine
