#include "refine/model_run.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <utility>

#include "base/fault.h"
#include "land/committer.h"
#include "land/drop_file.h"
#include "refine/expect_header.h"
#include "refine/expectation_results.h"
#include "refine/fresh_rows.h"
#include "refine/output_table.h"
#include "refine/run_number.h"
#include "refine/table_checks.h"
#include "refine/touched_files.h"

namespace millrace::refine {

ModelRun::ModelRun(const Parts& parts, const SparkSupport* spark, const Graph& graph, const Node& node, RunPlan plan)
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

RunReport ModelRun::Run() {
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

void ModelRun::QuarantineLate() {
  if (plan_.way != RunPlan::Way::kReplace || !step_ || step_->late == 0 ||
      model_.watermark->late != Model::Watermark::Late::kQuarantine)
    return;
  AskNewRows([&](const std::string& over,
                 ModelEngine engine) { return LateRowsSql(model_, over, *step_->closed_before, engine); },
             [&](const arrow::RecordBatch& late) { quarantine_.Add(LateIn(late, model_, *step_->before), attempt_); });
}

void ModelRun::FinishEarlier() {
  FinishRebuild(plan_.rebuilt);
  FinishReplaced(plan_.replaced);
  if (!KeepsQuarantine(model_) || model_.event_time.empty()) return;
  if (const auto output = parts_.catalog.Load(model_.name)) quarantine_.FinishStretches(*output->metadata);
}

void ModelRun::FinishReplaced(const event::Cursor& replaced) {
  if (replaced != event::kStart && HasQuarantine(model_)) quarantine_.FinishReplaced(replaced.value());
}

void ModelRun::FinishRebuild(const event::Cursor& rebuilt) {
  if (rebuilt != event::kStart) quarantine_.KeepSince(rebuilt.value());
}

void ModelRun::Begin(catalog::LoadedTable output) {
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
        land::MovePositions{PositionScope(model_), {{kRunSplit, run.Print()}}, {{kRunSplit, run.AfterDead().Print()}}},
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

void ModelRun::Check(const table::SnapshotChange& change) {
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

void ModelRun::RecordChecks(bool run_failed) {
  if (report_.expectations.empty()) return;
  const ExpectationResults results(parts_.catalog, parts_.budget, parts_.clock);
  results.Write({.model = model_, .run_id = run_id_, .failed = run_failed}, report_, parts_.stop);
}

RunReport ModelRun::Commit(table::SnapshotChange change) {
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

}  // namespace millrace::refine
