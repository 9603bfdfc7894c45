#include "refine/table_checks.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "query/sql_text.h"
#include "refine/expectation_results.h"

namespace millrace::refine {
namespace {

using Kind = TableExpectation::Kind;
using query::QuoteName;

constexpr size_t kRunsCompared = 10;
constexpr double kMicro = 1e6;
constexpr double kPercent = 100;

/// What of the table is measured, as an aggregate.
std::string Measure(const TableExpectation& expectation) {
  std::string columns;
  for (const auto& column : expectation.columns) columns += (columns.empty() ? "" : ", ") + QuoteName(column);
  switch (expectation.kind) {
    case Kind::kUnique:
      return fmt::format("count(*) - count(DISTINCT row({}))", columns);
    case Kind::kFreshness:
      return fmt::format("epoch_us(CAST(max({}) AS TIMESTAMPTZ))", columns);
    case Kind::kRows:
      return "count(*)";
    case Kind::kDriftMean:
      return fmt::format("avg({})", columns);
    case Kind::kDriftNulls:
      return fmt::format("(count(*) - count({})) / nullif(count(*), 0)", columns);
    case Kind::kDriftDistinct:
      return fmt::format("count(DISTINCT {})", columns);
  }
  throw Error(ErrorCode::kInternal, "a kind of expectation that there is not");
}

/// By which part of what it was a number has changed.
double Relative(double now, double before) {
  if (now == before) return 0;
  return before == 0 ? HUGE_VAL : std::abs(now - before) / std::abs(before);
}

void JudgeRows(const TableExpectation& expectation, const std::vector<double>& before, ExpectationReport& report) {
  const double rows = *report.value;
  report.observed = fmt::format("{:.0f} rows", rows);
  if (expectation.min && rows < static_cast<double>(*expectation.min)) report.met = false;
  if (expectation.max && rows > static_cast<double>(*expectation.max)) report.met = false;
  if (!expectation.change || before.empty()) return;
  report.observed += fmt::format(", {:.0f} after the run before", before.front());
  if (Relative(rows, before.front()) > *expectation.change) report.met = false;
}

void JudgeDrift(const TableExpectation& expectation, const std::vector<double>& before, ExpectationReport& report) {
  if (!report.value) {
    report.observed = "nothing to measure";
    return;
  }
  const bool share = expectation.kind == Kind::kDriftNulls;
  const auto print = [&](double value) {
    return share ? fmt::format("{:.2f}%", value * kPercent) : fmt::format("{:.6g}", value);
  };
  report.observed = print(*report.value);
  if (before.empty()) return;
  const double mean = std::accumulate(before.begin(), before.end(), 0.0) / static_cast<double>(before.size());
  report.observed += fmt::format(", {} on average of {} before", print(mean),
                                 before.size() == 1 ? "the run" : fmt::format("{} runs", before.size()));
  const double away = share ? std::abs(*report.value - mean) : Relative(*report.value, mean);
  report.met = away <= *expectation.change;
}

void JudgeFreshness(const TableExpectation& expectation, Timestamp now, ExpectationReport& report) {
  if (!report.value) {
    report.observed = "no value";
    report.met = false;
    return;
  }
  const Timestamp newest(std::chrono::microseconds(std::llround(*report.value)));
  report.observed = FormatTimestamp(newest);
  report.value = static_cast<double>((now - newest).count()) / kMicro;
  report.met = now - newest <= expectation.within;
}

ExpectationReport Judge(const TableExpectation& expectation, std::optional<double> value, Timestamp now,
                        const std::vector<double>& before) {
  ExpectationReport report;
  report.condition = expectation.text;
  report.severity = expectation.fail ? "fail" : "warn";
  report.measure = expectation.measure;
  report.value = value;
  switch (expectation.kind) {
    case Kind::kUnique:
      report.violations = std::llround(value.value_or(0));
      report.met = report.violations == 0;
      report.observed = fmt::format("{} rows more than there are values", report.violations);
      break;
    case Kind::kFreshness:
      JudgeFreshness(expectation, now, report);
      break;
    case Kind::kRows:
      JudgeRows(expectation, before, report);
      break;
    case Kind::kDriftMean:
    case Kind::kDriftNulls:
    case Kind::kDriftDistinct:
      JudgeDrift(expectation, before, report);
      break;
  }
  return report;
}

}  // namespace

TableChecks::TableChecks(Parts parts, const Model& model, std::string run_id)
    : parts_(std::move(parts)), model_(model), run_id_(std::move(run_id)) {}

std::vector<ExpectationReport> TableChecks::Look(const catalog::LoadedTable& output,
                                                 const table::SnapshotChange& change) {
  const auto& expectations = model_.table_expectations;
  if (expectations.empty()) return {};
  std::string sql;
  for (size_t i = 0; i < expectations.size(); ++i)
    sql += fmt::format("{}CAST({} AS DOUBLE) AS m{}", sql.empty() ? "SELECT " : ", ", Measure(expectations[i]), i);
  sql += " FROM " + query::SqlName(model_.name);
  query::QueryOptions query;
  query.ranges[model_.name] = {.after = std::nullopt, .upto = output.metadata->current_snapshot_id};
  query.changes[model_.name] = {
      .remove_all = change.remove_all, .removed = change.removed_paths, .added = change.added};
  const auto result =
      WithContext("its expectations of the whole table", [&] { return parts_.engine.Run(sql, query, parts_.stop); });
  const auto row = result->Next();
  std::vector<ExpectationReport> reports;
  for (size_t i = 0; i < expectations.size(); ++i) {
    const auto& column = static_cast<const arrow::DoubleArray&>(*row->column(static_cast<int>(i)));
    const auto value = column.IsNull(0) ? std::nullopt : std::optional(column.Value(0));
    const bool compares = expectations[i].change.has_value();
    reports.push_back(Judge(expectations[i], value, parts_.clock.Now(),
                            compares ? MeasuredBefore(parts_.catalog, parts_.engine, model_.name,
                                                      expectations[i].measure, run_id_, kRunsCompared, parts_.stop)
                                     : std::vector<double>()));
  }
  return reports;
}

}  // namespace millrace::refine
