#include "refine/runner.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "land/committer.h"
#include "land/data_file_writer.h"
#include "land/drop_file.h"
#include "query/sql_text.h"
#include "refine/deadline.h"
#include "refine/expect_header.h"
#include "refine/expectation_results.h"
#include "refine/fresh_rows.h"
#include "refine/output_table.h"
#include "refine/replaced_partitions.h"
#include "refine/result_rows.h"
#include "refine/row_quarantine.h"
#include "refine/run_lineage.h"
#include "refine/run_plan.h"
#include "refine/schedule/model_lease.h"
#include "refine/spark_run.h"
#include "refine/table_checks.h"
#include "refine/touched_files.h"
#include "refine/watermark.h"

namespace millrace::refine {
namespace {

/// One run of one stored model.
class ModelRun {
 public:
  using Parts = RowQuarantine::Parts;

  /// `spark`: null: none.
  ModelRun(const Parts& parts, const SparkSupport* spark, const Graph& graph, const Node& node, RunPlan plan)
      : parts_(parts), model_(node.model), plan_(std::move(plan)), quarantine_(parts, node.model) {
    if (model_.engine == ModelEngine::kSpark) {
      if (spark == nullptr)
        throw Error(ErrorCode::kConfig, "it runs on Spark, and there is no `spark:` here that says where that is");
      spark_.emplace(SparkRun::Parts{parts.catalog, *spark, parts.clock, parts.stop}, graph, node, plan_);
    }
    query_.ranges = plan_.ranges;
    query_.views = graph.views();
    query_.views[FreshRowsName(model_)] = model_.sql;
  }

  /// What was found so far: of a run that an expectation has failed.
  const RunReport& report() const { return report_; }

  RunReport Run() {
    report_.model = model_.name;
    report_.why = plan_.why;
    report_.full_refresh = plan_.way == RunPlan::Way::kRebuild;
    if (plan_.undescribed && (plan_.way == RunPlan::Way::kNothing || plan_.way == RunPlan::Way::kMove))
      DescribeOutput(parts_.catalog, model_, parts_.clock, parts_.stop);
    if (plan_.way == RunPlan::Way::kNothing) {
      FinishEarlier();
      return report_;
    }
    auto change = plan_.way == RunPlan::Way::kMove ? table::SnapshotChange{} : spark_ ? WriteOnSpark() : Write();
    if (attempt_.empty()) Begin(*parts_.catalog.Load(model_.name));
    if (plan_.way != RunPlan::Way::kMove) Check(change);
    if (plan_.way == RunPlan::Way::kReplace && HasQuarantine(model_)) quarantine_.Replace(slices_, attempt_);
    quarantine_.Commit();
    if (plan_.way != RunPlan::Way::kMove) RecordChecks(false);
    return Commit(std::move(change));
  }

 private:
  /// The rows of the run, by DuckDB.
  table::SnapshotChange Write() {
    table::SnapshotChange change;
    auto rows = FreshRowsSql(model_);
    if (plan_.way == RunPlan::Way::kReplace) {
      output_ = *parts_.catalog.Load(model_.name);
      read_ = output_->metadata->current_snapshot_id;
      const ReplaceFields fields(model_, output_->metadata->schema());
      Touch(fields, TouchedPartitions(parts_.engine, model_, plan_, fields, query_, parts_.stop));
    }
    if (plan_.way == RunPlan::Way::kRebuild && model_.watermark) {
      const ResultRows made(model_,
                            parts_.engine.Run("SELECT * FROM (" + rows + ") LIMIT 0", query_, parts_.stop)->schema());
      const ReplaceFields fields(model_, WithIds(made.columns()));
      StepFrom(fields, event::kStart);
      if (model_.watermark->emit == Model::Watermark::Emit::kOnClose)
        rows = fmt::format("SELECT * FROM ({}) AS r WHERE {}", rows,
                           IsClosed(fields, "r", step_->closed_now, ModelEngine::kDuckDb));
    }
    if (plan_.way == RunPlan::Way::kReplace) {
      const auto replacement = ReplacementOf(slices_, ModelEngine::kDuckDb);
      if (!slices_.slices.empty())
        change.removed_paths = TouchedFiles(parts_.catalog, parts_.engine, model_.name, *output_->metadata,
                                            ReplacedFilesSql(model_, replacement), query_, parts_.stop);
      rows = ReplacingRowsSql(model_, replacement);
      query_.ranges[model_.name] = {.after = std::nullopt, .upto = output_->metadata->current_snapshot_id};
      query_.only_files[model_.name] = change.removed_paths;
    }
    if (plan_.way == RunPlan::Way::kMerge) {
      output_ = *parts_.catalog.Load(model_.name);
      read_ = output_->metadata->current_snapshot_id;
      change.removed_paths = TouchedFiles(parts_.catalog, parts_.engine, model_.name, *output_->metadata,
                                          TouchedFilesSql(model_), query_, parts_.stop);
      if (!change.removed_paths.empty()) {
        rows = MergedRowsSql(model_);
        query_.ranges[model_.name] = {.after = std::nullopt, .upto = output_->metadata->current_snapshot_id};
        query_.only_files[model_.name] = change.removed_paths;
      }
    }
    change.added = WriteRows(rows);
    return Replacing(std::move(change));
  }

  /// The partitions that a kReplace run makes anew; of too many it becomes a rebuild.
  void Touch(const ReplaceFields& fields, PartitionSlices touched) {
    slices_ = std::move(touched);
    if (model_.watermark) {
      StepFrom(fields, plan_.watermark);
      slices_ = OpenSlices(model_, fields, slices_, *step_);
    }
    if (slices_.slices.size() <= kSlicesMax) return;
    plan_.way = RunPlan::Way::kRebuild;
    report_.why = plan_.why =
        fmt::format("new rows are of {} partitions, and {} are replaced one by one", slices_.slices.size(), kSlicesMax);
    report_.full_refresh = true;
  }

  /// How the watermark moves, out of the rows that the run takes: all of a rebuild.
  void StepFrom(const ReplaceFields& fields, const event::Cursor& stored) {
    const auto unit = RequireTimeField(model_, fields).unit;
    const auto before = ParseTimestamp(stored.value());
    step_ = WatermarkStep{};
    step_->before = step_->after = before;
    step_->closed_before = step_->closed_now = ClosedBefore(before, unit);
    AskNewRows([&](const std::string& over,
                   ModelEngine engine) { return NewestSql(model_, over, step_->closed_before, engine); },
               [&](const arrow::RecordBatch& newest) { TakeNewest(model_, unit, newest, *step_); });
    report_.rows_late = step_->late;
    report_.watermark = step_->after;
    const bool anew = stored == event::kStart;
    int64_t late = step_->late;
    if (const auto earlier = output_ && !anew ? ReadWatermark(model_, *output_->metadata) : std::nullopt)
      late += earlier->late;
    plan_.from[kWatermarkSplit] = plan_.watermark;
    plan_.from[kLateSplit] = plan_.late;
    plan_.to[kWatermarkSplit] = step_->after ? event::Cursor(FormatTimestamp(*step_->after)) : event::kStart;
    plan_.to[kLateSplit] = event::Cursor(std::to_string(late));
  }

  /// A question about the rows of `over` that the run takes; by the model's engine.
  void AskNewRows(const std::function<std::string(const std::string& over, ModelEngine engine)>& sql,
                  const std::function<void(const arrow::RecordBatch&)>& visit) {
    try {
      if (spark_) {
        spark_->AskOver([&](const std::string& over) { return sql(over, ModelEngine::kSpark); }, visit);
        return;
      }
      auto query = query_;
      if (plan_.way == RunPlan::Way::kReplace) query.ranges = plan_.new_rows;
      const auto result =
          parts_.engine.Run(sql(query::SqlName(*model_.over), ModelEngine::kDuckDb), query, parts_.stop);
      while (const auto batch = result->Next()) visit(*batch);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kData) throw;
      throw Error(ErrorCode::kConfig, fmt::format("{}:{}: watermark, over a row of {}: {}", model_.file.string(),
                                                  model_.watermark->line, ToString(*model_.over), error.message()));
    }
  }

  /// Rows that came too late, where they are kept.
  void QuarantineLate() {
    if (plan_.way != RunPlan::Way::kReplace || !step_ || step_->late == 0 ||
        model_.watermark->late != Model::Watermark::Late::kQuarantine)
      return;
    AskNewRows(
        [&](const std::string& over, ModelEngine engine) {
          return LateRowsSql(model_, over, *step_->closed_before, engine);
        },
        [&](const arrow::RecordBatch& late) { quarantine_.Add(LateIn(late, model_, *step_->before), attempt_); });
  }

  /// What a change of this way takes away.
  table::SnapshotChange Replacing(table::SnapshotChange change) const {
    change.remove_all = plan_.way == RunPlan::Way::kRebuild;
    if (change.remove_all || !change.removed_paths.empty()) change.operation = "overwrite";
    return change;
  }

  table::SnapshotChange WriteOnSpark() {
    const ResultRows rows(model_, spark_->Open());
    std::optional<Replacement> replacement;
    if (plan_.way == RunPlan::Way::kReplace) {
      output_ = *parts_.catalog.Load(model_.name);
      const ReplaceFields fields(model_, output_->metadata->schema());
      Touch(fields, spark_->Touched(fields));
      replacement = ReplacementOf(slices_, ModelEngine::kSpark);
    }
    if (plan_.way == RunPlan::Way::kRebuild) {
      replacement.reset();
      if (model_.watermark) {
        const ReplaceFields fields(model_, WithIds(rows.columns()));
        StepFrom(fields, event::kStart);
        if (model_.watermark->emit == Model::Watermark::Emit::kOnClose)
          replacement = {IsClosed(fields, "r", step_->closed_now, ModelEngine::kSpark), "false"};
      }
    }
    Begin(EnsureOutput(parts_.catalog, model_, rows.columns(), plan_.way == RunPlan::Way::kRebuild, parts_.clock,
                       parts_.stop));
    auto written = SparkWritten(replacement ? &*replacement : nullptr);
    report_.rows = written.rows;
    report_.rows_checked = written.checked;
    report_.rows_dropped = written.dropped;
    report_.rows_quarantined = written.quarantined;
    for (size_t i = 0; i < model_.expectations.size(); ++i) ReportRows(i, written.violations[i]);
    ReportFiles(written.change.added);
    return Replacing(std::move(written.change));
  }

  SparkRun::Written SparkWritten(const Replacement* replacement) {
    try {
      return spark_->Write(*output_, SparkRun::OfRun(RunNumber::Parse(CursorOf(plan_.to, kRunSplit)).number),
                           replacement, [&](const auto& broken) { quarantine_.Add(broken, attempt_); });
    } catch (...) {
      quarantine_.Abandon();
      throw;
    }
  }

  void ReportRows(size_t index, int64_t violations) {
    const auto& expectation = model_.expectations[index];
    report_.expectations.push_back({.condition = expectation.condition,
                                    .violations = violations,
                                    .severity = std::string(ToString(expectation.action)),
                                    .met = violations == 0});
  }

  void ReportFiles(const std::vector<table::DataFile>& files) {
    report_.files = static_cast<int64_t>(files.size());
    for (const auto& file : files) report_.bytes += file.file_size_in_bytes;
  }

  /// What earlier runs, which count, left to be done in quarantine.
  void FinishEarlier() {
    FinishRebuild(plan_.rebuilt);
    FinishReplaced(plan_.replaced);
    if (!KeepsQuarantine(model_) || model_.event_time.empty()) return;
    if (const auto output = parts_.catalog.Load(model_.name)) quarantine_.FinishStretches(*output->metadata);
  }

  void FinishReplaced(const event::Cursor& replaced) {
    if (replaced != event::kStart && HasQuarantine(model_)) quarantine_.FinishReplaced(replaced.value());
  }

  /// What the run that last made all rows anew left to be done.
  void FinishRebuild(const event::Cursor& rebuilt) {
    if (rebuilt != event::kStart) quarantine_.KeepSince(rebuilt.value());
  }

  /// The table is there: a number for this attempt, other than that of one that died.
  void Begin(catalog::LoadedTable output) {
    FinishEarlier();
    output_ = std::move(output);
    // What is read of the table is read of this, unless it was read before.
    if (!read_) read_ = output_->metadata->current_snapshot_id;
    const auto uuid = output_->metadata->table_uuid;  // outlives this metadata
    auto run = RunNumber::Parse(CursorOf(plan_.from, kRunSplit));
    attempt_ = AttemptOf(run, uuid);
    if (quarantine_.Holds(attempt_)) {
      land::Committer committer(parts_.catalog, model_.name, uuid, parts_.clock);
      FaultPoint("refine.before_overtaking");
      const auto dead = committer.Commit(
          table::SnapshotChange{},
          land::MovePositions{
              PositionScope(model_), {{kRunSplit, run.Print()}}, {{kRunSplit, run.AfterDead().Print()}}},
          parts_.stop);
      // Its own commit will be overtaken by whoever was faster.
      if (const auto* landed = std::get_if<land::Landed>(&dead)) output_ = landed->table;
      run = run.AfterDead();
      plan_.from[kRunSplit] = run.Print();
      attempt_ = AttemptOf(run, uuid);
    }
    if (run.dead > 0) quarantine_.RemoveDead(attempt_);
    if (plan_.way == RunPlan::Way::kRebuild) {
      plan_.from[kRebuiltSplit] = plan_.rebuilt;
      plan_.to[kRebuiltSplit] = event::Cursor(attempt_);
    }
    if (plan_.way == RunPlan::Way::kReplace && HasQuarantine(model_)) {
      plan_.from[kReplacedSplit] = plan_.replaced;
      plan_.to[kReplacedSplit] = event::Cursor(attempt_);
    }
    std::string made_of;
    for (const auto& [split, cursor] : plan_.to) {
      if (split != kRebuiltSplit && split != kReplacedSplit)
        made_of += fmt::format("{}={}\n", split.value(), cursor.value());
    }
    QuarantineLate();
    run_id_ = fmt::format("{}-{:016x}", run.number + 1, XXH3_64bits(made_of.data(), made_of.size()));
  }

  std::vector<table::DataFile> WriteRows(const std::string& sql) {
    const auto result = parts_.engine.Run(sql, query_, parts_.stop);
    ResultRows rows(model_, result->schema());
    // Most of what can fail has failed once the first rows are there: the table is made, or changed, after that.
    auto batch = result->Next();
    Begin(EnsureOutput(parts_.catalog, model_, rows.columns(), plan_.way == RunPlan::Way::kRebuild, parts_.clock,
                       parts_.stop));
    land::DataFileWriterOptions options;
    options.file_prefix = Random::FromSystem().Uuid();
    land::DataFileWriter writer(parts_.catalog.store(), output_->metadata, options, parts_.budget);
    try {
      for (; batch; batch = result->Next()) Take(*batch, rows, writer);
    } catch (...) {
      for (const auto& key : writer.closed_keys()) parts_.catalog.store().Delete(key);
      quarantine_.Abandon();
      throw;
    }
    report_.rows = writer.rows();
    report_.rows_checked = rows.checked();
    report_.rows_dropped = rows.dropped();
    report_.rows_quarantined = rows.quarantined();
    for (size_t i = 0; i < model_.expectations.size(); ++i) ReportRows(i, rows.violations(i));
    auto files = std::move(writer).Finish();
    ReportFiles(files);
    return files;
  }

  /// Once a row has failed the run, the others are counted and no more.
  void Take(const arrow::RecordBatch& batch, ResultRows& rows, land::DataFileWriter& writer) {
    const auto taken = rows.Take(batch);
    if (rows.failed()) return;
    if (taken->num_rows() > 0) writer.Write(taken);
    quarantine_.Add(rows.TakeQuarantined(), attempt_);
  }

  /// Looks at the table as it will be. Error kData when the run must not be; then what it found is written down, and
  /// nothing else.
  void Check(const table::SnapshotChange& change) {
    const TableChecks::Parts parts{parts_.catalog, parts_.engine, parts_.clock, parts_.stop};
    std::string failed;
    for (auto& check : TableChecks(parts, model_, run_id_).Look(*output_, change))
      report_.expectations.push_back(std::move(check));
    for (const auto& check : report_.expectations) {
      if (check.met || check.severity != "fail") continue;
      failed = check.measure.empty()
                   ? fmt::format("{} of {} rows break the expectation `{}`", check.violations, report_.rows_checked,
                                 check.condition)
                   : fmt::format("the table breaks the expectation `{}`: {}", check.condition, check.observed);
      break;
    }
    if (failed.empty()) return;
    if (spark_) {
      spark_->Abandon();
    } else {
      for (const auto& file : change.added) land::DropFile(parts_.catalog.store(), file.file_path);
    }
    quarantine_.Abandon();
    RecordChecks(true);
    report_.rows = report_.files = report_.bytes = report_.rows_quarantined = report_.rows_dropped = 0;
    throw Error(ErrorCode::kData,
                fmt::format("{}: {}, which says fail; nothing was written", model_.file.string(), failed));
  }

  void RecordChecks(bool run_failed) {
    if (report_.expectations.empty()) return;
    const ExpectationResults results(parts_.catalog, parts_.budget, parts_.clock);
    results.Write({.model = model_, .run_id = run_id_, .failed = run_failed}, report_, parts_.stop);
  }

  RunReport Commit(table::SnapshotChange change) {
    if (!output_->metadata->current_snapshot_id) {
      change.operation = "append";
      change.remove_all = false;
    }
    FaultPoint("refine.before_commit");
    land::Committer committer(parts_.catalog, model_.name, output_->metadata->table_uuid, parts_.clock);
    land::MovePositions move{PositionScope(model_), plan_.from, plan_.to};
    if (plan_.way == RunPlan::Way::kMerge || plan_.way == RunPlan::Way::kReplace) {
      move.stands = [this](const table::TableMetadata& base) { return HasSameRows(parts_.catalog, base, *read_); };
    }
    const auto result = committer.Commit(std::move(change), move, parts_.stop);
    FaultPoint("refine.after_commit");
    if (const auto* landed = std::get_if<land::Landed>(&result)) {
      report_.outcome = RunReport::Outcome::kBuilt;
      report_.snapshot_id = landed->snapshot_id;
      if (plan_.way == RunPlan::Way::kRebuild) FinishRebuild(event::Cursor(attempt_));
      if (plan_.way == RunPlan::Way::kReplace) FinishReplaced(event::Cursor(attempt_));
      return report_;
    }
    RunReport overtaken;
    overtaken.model = model_.name;
    overtaken.why = "another run of it was faster";
    return overtaken;
  }

  const Parts parts_;
  const Model& model_;
  RunPlan plan_;
  RowQuarantine quarantine_;
  std::optional<SparkRun> spark_;  // of a model that runs there
  query::QueryOptions query_;
  PartitionSlices slices_;  // that a kReplace run makes anew
  std::optional<WatermarkStep> step_;
  std::optional<catalog::LoadedTable> output_;
  std::optional<std::optional<table::SnapshotId>> read_;  // of the table, what a merge or a replacement read
  std::string attempt_;                                   // as rows in quarantine name it
  std::string run_id_;                                    // the same for the same inputs, however often it is tried
  RunReport report_;
};

RunReport Failed(const Model& model, const Error& error, RunReport report = {}) {
  report.model = model.name;
  report.outcome = RunReport::Outcome::kFailed;
  report.why = error.what();
  report.error = error.code();
  return report;
}

/// The first model below this one that failed or was skipped.
const catalog::TableName* BrokenBelow(const Node& node, const std::set<catalog::TableName>& broken,
                                      const Graph& graph) {
  for (const auto& input : node.inputs) {
    const auto* below = graph.Find(input);
    if (below && broken.contains(below->model.name)) return &below->model.name;
  }
  return nullptr;
}

RunReport OfView(const Model& model) {
  RunReport report;
  report.model = model.name;
  report.why = "a view: its SQL stands wherever it is named";
  return report;
}

RunReport OfBusy(const Model& model, const ModelLeases::Held& held) {
  RunReport report;
  report.model = model.name;
  report.busy = true;
  report.why = fmt::format("{} runs it", held.by);
  return report;
}

/// Waits when it is to, and says for whom.
ModelLeases::Taken TakeLease(const Model& model, const RunOptions& options, const std::stop_token& stop) {
  const auto name = ToString(model.name);
  auto taken = options.leases->TryTake(name);
  const auto* held = std::get_if<ModelLeases::Held>(&taken);
  if (held == nullptr || !options.wait) return taken;
  LogInfo("model {}: {} runs it; waiting, until {} unless it is heard of again", name, held->by,
          FormatTimestamp(held->until));
  return options.leases->Take(name, stop);
}

}  // namespace

std::string_view ToString(RunReport::Outcome outcome) {
  switch (outcome) {
    case RunReport::Outcome::kBuilt:
      return "built";
    case RunReport::Outcome::kNothing:
      return "nothing";
    case RunReport::Outcome::kFailed:
      return "failed";
    case RunReport::Outcome::kSkipped:
      return "skipped";
  }
  throw Error(ErrorCode::kInternal, "an outcome that there is not");
}

Runner::Runner(catalog::Catalog& catalog, query::Engine& engine, ByteBudget& budget, Graph graph, const Clock& clock)
    : catalog_(catalog), engine_(engine), budget_(budget), graph_(std::move(graph)), clock_(clock) {}

std::vector<RunReport> Runner::Run(const std::vector<catalog::TableName>& models, const RunOptions& options,
                                   std::stop_token stop) {
  std::set<catalog::TableName> chosen;
  for (const auto& name : models) {
    const auto* node = graph_.Find(name);
    if (!node) throw Error(ErrorCode::kUsage, fmt::format("there is no model {}", ToString(name)));
    chosen.insert(node->model.name);
  }
  std::vector<RunReport> reports;
  std::set<catalog::TableName> broken;
  for (const auto& node : graph_.nodes()) {
    if (!chosen.empty() && !chosen.contains(node.model.name)) continue;
    if (options.on_commit_only && node.model.schedule != Schedule::kOnCommit) continue;
    if (stop.stop_requested()) break;
    if (const auto* below = BrokenBelow(node, broken, graph_)) {
      RunReport skipped;
      skipped.model = node.model.name;
      skipped.outcome = RunReport::Outcome::kSkipped;
      skipped.began = clock_.Now();
      skipped.why = fmt::format("{} failed, which it is made of", ToString(*below));
      reports.push_back(std::move(skipped));
    } else {
      const auto began = clock_.Now();
      const auto begin = clock_.Steady();
      reports.push_back(RunOne(node, options, stop));
      reports.back().began = began;
      reports.back().seconds = std::chrono::duration<double>(clock_.Steady() - begin).count();
    }
    const auto outcome = reports.back().outcome;
    if (outcome == RunReport::Outcome::kFailed || outcome == RunReport::Outcome::kSkipped)
      broken.insert(node.model.name);
  }
  return reports;
}

RunReport Runner::RunOne(const Node& node, const RunOptions& options, std::stop_token stop) {
  std::optional<Deadline> deadline;
  RunReport found;
  try {
    return WithContext("model " + ToString(node.model.name), [&] {
      if (node.model.materialized == Materialized::kView) return OfView(node.model);
      auto plan = PlanRun(catalog_, node, options);
      ModelLeases::Taken lease;
      if (options.leases != nullptr && plan.way != RunPlan::Way::kNothing) {
        lease = TakeLease(node.model, options, stop);
        if (const auto* held = std::get_if<ModelLeases::Held>(&lease)) return OfBusy(node.model, *held);
        // Whoever had it may have done what there was to do.
        plan = PlanRun(catalog_, node, options);
      }
      deadline.emplace(node.model.timeout, stop);
      RunLineage lineage(catalog_, node, plan);
      ModelRun run({catalog_, engine_, budget_, clock_, deadline->token()}, spark_, graph_, node, std::move(plan));
      try {
        auto report = run.Run();
        lineage.Ended(report);
        return report;
      } catch (const Error& error) {
        lineage.Failed(error.what());
        found = run.report();
        throw;
      }
    });
  } catch (const Error& error) {
    if (!deadline || !deadline->passed()) return Failed(node.model, error, std::move(found));
    return Failed(node.model, Error(ErrorCode::kStop,
                                    fmt::format("model {}: it took longer than its timeout of {}; nothing was written",
                                                ToString(node.model.name), FormatDuration(*node.model.timeout))));
  }
}

}  // namespace millrace::refine
