#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/random.h"
#include "land/committer.h"
#include "land/data_file_writer.h"
#include "query/sql_text.h"
#include "refine/backfill.h"
#include "refine/expect_header.h"
#include "refine/output_table.h"
#include "refine/result_rows.h"
#include "refine/run_number.h"
#include "refine/spark_run.h"
#include "refine/touched_files.h"

// The rows of a backfill's windows, by DuckDB and by Spark, and those of the stretch that go into quarantine.
namespace millrace::refine {

/// Error kData when a row breaks an expectation that says `fail`.
void Backfill::Count(const std::vector<int64_t>& violations, int64_t checked, int64_t dropped, Report& report) const {
  report.rows += checked;
  report.rows_dropped += dropped;
  report.expectations.resize(model_.expectations.size());
  for (size_t i = 0; i < model_.expectations.size(); ++i) {
    auto& found = report.expectations[i];
    found.condition = model_.expectations[i].condition;
    found.severity = std::string(ToString(model_.expectations[i].action));
    found.violations += violations[i];
    found.met = found.violations == 0;
    if (violations[i] == 0 || model_.expectations[i].action != Expectation::Action::kFail) continue;
    throw Error(ErrorCode::kData,
                fmt::format("{}: {} rows break the expectation `{}`, which says fail; the table is as it was",
                            model_.file.string(), found.violations, found.condition));
  }
}

table::SnapshotChange Backfill::Make(const land::ReplayPlan& plan, int64_t number, Report& report,
                                     const std::stop_token& stop) {
  const auto replacement =
      ReplacementOf(model_, WindowOf(plan, number, ModelEngine::kDuckDb), {.table = query::SqlName(model_.name)});
  const auto branch = replay_.branch().Load(model_.name);
  const auto& metadata = *branch->metadata;
  auto query = QueryOf(plan);
  query.ranges[model_.name] = {.after = std::nullopt, .upto = metadata.current_snapshot_id};
  table::SnapshotChange change;
  change.removed_paths = TouchedFiles(parts_.catalog, parts_.engine, model_.name, metadata,
                                      ReplacedFilesSql(model_, replacement), query, stop);
  query.only_files[model_.name] = change.removed_paths;
  change.added = Write(ReplacingRowsSql(model_, replacement), query, report, stop);
  return change;
}

std::vector<table::DataFile> Backfill::Write(const std::string& sql, const query::QueryOptions& query, Report& report,
                                             const std::stop_token& stop) {
  const auto result = parts_.engine.Run(sql, query, stop);
  ResultRows rows(model_, result->schema());
  auto batch = result->Next();
  const auto output = EnsureOutput(parts_.catalog, model_, rows.columns(), false, parts_.clock, stop);
  land::DataFileWriter writer(parts_.catalog.store(), output.metadata, {.file_prefix = Random::FromSystem().Uuid()},
                              parts_.budget);
  try {
    for (; batch; batch = result->Next()) {
      const auto taken = rows.Take(*batch);
      if (!rows.failed() && taken->num_rows() > 0) writer.Write(taken);
    }
    std::vector<int64_t> violations;
    for (size_t i = 0; i < model_.expectations.size(); ++i) violations.push_back(rows.violations(i));
    Count(violations, rows.checked(), rows.dropped(), report);
    return std::move(writer).Finish();
  } catch (...) {
    for (const auto& key : writer.closed_keys()) parts_.catalog.store().Delete(key);
    throw;
  }
}

RunPlan Backfill::SparkPlan(const land::ReplayPlan& plan) const {
  RunPlan run;
  run.way = RunPlan::Way::kReplace;
  run.ranges = QueryOf(plan).ranges;
  return run;
}

table::SnapshotChange Backfill::MakeOnSpark(const land::ReplayPlan& plan, int64_t number, Report& report,
                                            const std::stop_token& stop) {
  const auto reads = SparkPlan(plan);
  SparkRun spark({parts_.catalog, *parts_.spark, parts_.clock, stop}, parts_.graph, node_, reads);
  const ResultRows rows(model_, spark.Open());
  EnsureOutput(parts_.catalog, model_, rows.columns(), false, parts_.clock, stop);
  const auto branch = *replay_.branch().Load(model_.name);
  const auto replacement = ReplacementOf(model_, WindowOf(plan, number, ModelEngine::kSpark), spark.NamesOn(branch));
  auto written = spark.Write(branch, SparkRun::OfBackfill(name_), &replacement, nullptr);
  try {
    Count(written.violations, written.checked, written.dropped, report);
  } catch (...) {
    spark.Abandon();
    throw;
  }
  return std::move(written.change);
}

RowQuarantine Backfill::QuarantineOf(const std::stop_token& stop) const {
  return {{parts_.catalog, parts_.engine, parts_.budget, parts_.clock, stop}, model_};
}

/// The rows of the stretch that go into quarantine.
void Backfill::FillQuarantine(const land::ReplayPlan& plan,
                              const std::function<void(const std::vector<land::BrokenRow>&)>& add,
                              const std::stop_token& stop) {
  const auto in_stretch = InWindow(model_, "r", WindowOf(plan, std::nullopt, model_.engine));
  if (model_.engine == ModelEngine::kSpark) {
    const auto reads = SparkPlan(plan);
    SparkRun spark({parts_.catalog, *parts_.spark, parts_.clock, stop}, parts_.graph, node_, reads);
    spark.Open();
    spark.QuarantineRows(in_stretch, add);
    return;
  }
  const auto rows = parts_.engine.Run(fmt::format("SELECT * FROM ({}) AS r WHERE {} IS NOT NULL AND {}",
                                                  FreshRowsSql(model_), query::QuoteName(kRowColumn), in_stretch),
                                      QueryOf(plan), stop);
  while (const auto batch = rows->Next()) add(BrokenIn(model_, *batch));
}

/// Puts them there, in place of those that are; and says on the branch that they are, under the name of this attempt:
/// when the branch becomes part of main it counts.
void Backfill::Quarantine(const land::ReplayPlan& plan, Report& report, const std::stop_token& stop) {
  const auto table = parts_.catalog.Load(model_.name);
  const auto attempt = AttemptOfBackfill(plan.windows->run, name_, plan.fork, table->metadata->table_uuid);
  auto quarantine = QuarantineOf(stop);
  quarantine.ReplaceStretch(name_, attempt, StretchOf(plan, std::nullopt), [&] {
    if (!HasQuarantine(model_)) return;
    FillQuarantine(
        plan,
        [&](const auto& broken) {
          report.rows_quarantined += static_cast<int64_t>(broken.size());
          quarantine.Add(broken, attempt);
        },
        stop);
  });
  land::Committer committer(replay_.branch(), model_.name, table->metadata->table_uuid, parts_.clock);
  FaultPoint("backfill.before_mark");
  committer.Commit(table::SnapshotChange{},
                   land::MovePositions{land::ReplayScope(name_),
                                       {{kQuarantinedSplit, event::kStart}},
                                       {{kQuarantinedSplit, event::Cursor(attempt)}}},
                   stop);
  FaultPoint("backfill.after_mark");
}

}  // namespace millrace::refine
