#include "refine/expectation_results.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include <memory>

#include "base/fault.h"
#include "base/random.h"
#include "land/arrow_status.h"
#include "land/committer.h"
#include "land/data_file_writer.h"
#include "land/schema_authority.h"
#include "query/sql_text.h"
#include "refine/run_plan.h"

namespace millrace::refine {
namespace {

const event::SplitId kLastRun{"expectations"};
constexpr const char* kDoing = "results of expectations";

/// Only ever added to.
std::shared_ptr<arrow::Schema> Columns() {
  return arrow::schema({arrow::field("run_id", arrow::utf8()), arrow::field("model", arrow::utf8()),
                        arrow::field("expectation", arrow::utf8()), arrow::field("severity", arrow::utf8()),
                        arrow::field("checked_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                        arrow::field("rows_checked", arrow::int64()), arrow::field("rows_broken", arrow::int64()),
                        arrow::field("measure", arrow::utf8()), arrow::field("value", arrow::float64()),
                        arrow::field("observed", arrow::utf8()), arrow::field("verdict", arrow::utf8()),
                        arrow::field("run_failed", arrow::boolean())});
}

/// Appends values to the columns in their order, row by row.
class Rows {
 public:
  Rows() : builder_(land::ValueOf(arrow::RecordBatchBuilder::Make(Columns(), arrow::default_memory_pool()), kDoing)) {}

  void Text(const std::string& value) { Check(Next<arrow::StringBuilder>()->Append(value)); }
  void Count(int64_t value) { Check(Next<arrow::Int64Builder>()->Append(value)); }
  void Flag(bool value) { Check(Next<arrow::BooleanBuilder>()->Append(value)); }
  void Moment(Timestamp at) { Check(Next<arrow::TimestampBuilder>()->Append(at.time_since_epoch().count())); }
  void TextOrNull(const std::string& value) {
    auto* column = Next<arrow::StringBuilder>();
    Check(value.empty() ? column->AppendNull() : column->Append(value));
  }
  void NumberOrNull(std::optional<double> value) {
    auto* column = Next<arrow::DoubleBuilder>();
    Check(value ? column->Append(*value) : column->AppendNull());
  }
  std::shared_ptr<arrow::RecordBatch> Finish() { return land::ValueOf(builder_->Flush(), kDoing); }

 private:
  template <typename Builder>
  Builder* Next() {
    return builder_->GetFieldAs<Builder>(next_++ % builder_->num_fields());
  }
  static void Check(const arrow::Status& status) { land::Check(status, kDoing); }

  std::unique_ptr<arrow::RecordBatchBuilder> builder_;
  int next_ = 0;
};

std::shared_ptr<arrow::RecordBatch> RowsOf(const ExpectationResults::Run& run, const RunReport& report, Timestamp at) {
  Rows rows;
  for (const auto& found : report.expectations) {
    rows.Text(run.run_id);
    rows.Text(ToString(run.model.name));
    rows.Text(found.condition);
    rows.Text(found.severity);
    rows.Moment(at);
    rows.Count(report.rows_checked);
    rows.Count(found.violations);
    rows.TextOrNull(found.measure);
    rows.NumberOrNull(found.value);
    rows.TextOrNull(found.observed);
    rows.Text(found.met ? "met" : "broken");
    rows.Flag(run.failed);
  }
  return rows.Finish();
}

}  // namespace

catalog::TableName ExpectationResultsName() { return {.name_space = "millrace", .name = "expectations"}; }

void ExpectationResults::Write(const Run& run, const RunReport& report, const std::stop_token& stop) const {
  land::SchemaAuthority authority(catalog_, {.name = ExpectationResultsName()}, clock_);
  const auto view = authority.Require(*Columns(), stop);
  const auto& metadata = view->table.metadata;
  const auto scope = PositionScope(run.model);
  const auto last = CursorOf(land::ReadPositions(*metadata, scope).positions, kLastRun);
  if (last.value() == run.run_id) return;
  land::DataFileWriter writer(catalog_.store(), metadata, {.file_prefix = Random::FromSystem().Uuid()}, budget_);
  writer.Write(RowsOf(run, report, clock_.Now()));
  table::SnapshotChange change;
  change.added = std::move(writer).Finish();
  FaultPoint("refine.before_results");
  land::Committer committer(catalog_, view->table.name, metadata->table_uuid, clock_);
  // Overtaken: another process has written what its own run of the model found.
  committer.Commit(
      std::move(change),
      land::MovePositions{.scope = scope, .from = {{kLastRun, last}}, .to = {{kLastRun, event::Cursor(run.run_id)}}},
      stop);
  FaultPoint("refine.after_results");
}

std::vector<ExpectationResult> NewestResults(catalog::Catalog& catalog, query::Engine& engine, const std::string& model,
                                             int64_t runs, const std::stop_token& stop) {
  if (!catalog.Load(ExpectationResultsName())) return {};
  const auto result = engine.Run(
      fmt::format(
          "SELECT run_id, model, expectation, severity, verdict, coalesce(observed, '') AS observed, "
          "epoch_us(checked_at) AS checked, rows_checked, rows_broken FROM millrace.expectations WHERE {} QUALIFY "
          "dense_rank() OVER (PARTITION BY model ORDER BY checked_at DESC, run_id) <= {} ORDER BY model, checked "
          "DESC, run_id, verdict, expectation",
          model.empty() ? "true" : "model = " + query::QuoteText(model), runs),
      {}, stop);
  std::vector<ExpectationResult> results;
  while (const auto batch = result->Next()) {
    const auto text = [&](int column, int64_t row) {
      return static_cast<const arrow::StringArray&>(*batch->column(column)).GetString(row);
    };
    const auto number = [&](int column, int64_t row) {
      return static_cast<const arrow::Int64Array&>(*batch->column(column)).Value(row);
    };
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      results.push_back({.run_id = text(0, row),
                         .model = text(1, row),
                         .expectation = text(2, row),
                         .severity = text(3, row),
                         .checked_at = Timestamp(std::chrono::microseconds(number(6, row))),
                         .rows_checked = number(7, row),
                         .rows_broken = number(8, row),
                         .observed = text(5, row),
                         .verdict = text(4, row)});
    }
  }
  return results;
}

std::vector<double> MeasuredBefore(catalog::Catalog& catalog, query::Engine& engine, const catalog::TableName& model,
                                   const std::string& measure, const std::string& but_run_id, size_t runs,
                                   const std::stop_token& stop) {
  if (!catalog.Load(ExpectationResultsName())) return {};
  const auto result = engine.Run(
      fmt::format(
          "SELECT max(value) AS value FROM millrace.expectations WHERE model = {} AND measure = {} AND run_id <> "
          "{} AND NOT run_failed AND value IS NOT NULL GROUP BY run_id ORDER BY max(checked_at) DESC LIMIT {}",
          query::QuoteText(ToString(model)), query::QuoteText(measure), query::QuoteText(but_run_id), runs),
      {}, stop);
  std::vector<double> values;
  while (const auto batch = result->Next()) {
    const auto& column = static_cast<const arrow::DoubleArray&>(*batch->column(0));
    for (int64_t row = 0; row < column.length(); ++row) values.push_back(column.Value(row));
  }
  return values;
}

}  // namespace millrace::refine
