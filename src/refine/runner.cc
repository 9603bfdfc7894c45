#include "refine/runner.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/fault.h"
#include "base/random.h"
#include "land/committer.h"
#include "land/data_file_writer.h"
#include "refine/deadline.h"
#include "refine/fresh_rows.h"
#include "refine/output_table.h"
#include "refine/result_rows.h"
#include "refine/run_plan.h"
#include "table/live_files.h"

namespace millrace::refine {
namespace {

/// One run of one stored model.
class ModelRun {
 public:
  struct Parts {
    catalog::Catalog& catalog;
    query::Engine& engine;
    ByteBudget& budget;
    const Graph& graph;
    const Clock& clock;
    std::stop_token stop;
  };

  ModelRun(const Parts& parts, const Node& node, RunPlan plan)
      : parts_(parts), model_(node.model), plan_(std::move(plan)) {
    query_.ranges = plan_.ranges;
    query_.views = parts.graph.views();
    query_.views[FreshRowsName(model_)] = model_.sql;
  }

  RunReport Run() {
    report_.model = model_.name;
    report_.why = plan_.why;
    report_.full_refresh = plan_.way == RunPlan::Way::kRebuild;
    if (plan_.way == RunPlan::Way::kNothing) return report_;
    table::SnapshotChange change;
    auto rows = FreshRowsSql(model_);
    if (plan_.way == RunPlan::Way::kRebuild) {
      change.remove_all = true;
      change.operation = "overwrite";
    } else if (plan_.way == RunPlan::Way::kMerge) {
      change.removed_paths = TouchedFiles();
      if (!change.removed_paths.empty()) {
        change.operation = "overwrite";
        rows = MergedRowsSql(model_);
        query_.only_files[model_.name] = change.removed_paths;
      }
    }
    if (plan_.way != RunPlan::Way::kMove) change.added = Write(rows);
    return Commit(std::move(change));
  }

 private:
  /// Files of the model's table that hold keys of the fresh rows, as the table names them.
  std::set<std::string> TouchedFiles() {
    output_ = *parts_.catalog.Load(model_.name);
    const auto* snapshot = output_->metadata->current_snapshot();
    if (!snapshot) return {};
    query_.ranges[model_.name] = {.after = std::nullopt, .upto = snapshot->snapshot_id};
    query_.with_paths = {model_.name};
    std::map<std::string, std::string> path_of_key;
    table::ForEachLiveFile(parts_.catalog.store(), *output_->metadata, *snapshot, {},
                           [&](const table::ManifestEntry& entry) {
                             const auto key = parts_.catalog.store().KeyOf(entry.file.file_path);
                             if (key) path_of_key.emplace(*key, entry.file.file_path);
                           });
    std::set<std::string> touched;
    const auto paths = parts_.engine.Run(TouchedFilesSql(model_), query_, parts_.stop);
    while (const auto batch = paths->Next()) {
      const auto& column = static_cast<const arrow::StringArray&>(*batch->column(0));
      for (int64_t row = 0; row < column.length(); ++row) {
        touched.insert(path_of_key.at(parts_.catalog.store().KeyOf(column.GetView(row)).value()));
      }
    }
    query_.with_paths.clear();
    return touched;
  }

  std::vector<table::DataFile> Write(const std::string& sql) {
    const auto result = parts_.engine.Run(sql, query_, parts_.stop);
    ResultRows rows(model_, result->schema());
    // Most of what can fail has failed once the first rows are there: the table is made, or changed, after that.
    auto batch = result->Next();
    output_ = EnsureOutput(parts_.catalog, model_, rows.columns(), plan_.way == RunPlan::Way::kRebuild, parts_.clock,
                           parts_.stop);
    land::DataFileWriterOptions options;
    options.file_prefix = Random::FromSystem().Uuid();
    land::DataFileWriter writer(parts_.catalog.store(), output_->metadata, options, parts_.budget);
    try {
      for (; batch; batch = result->Next()) {
        const auto taken = rows.Take(*batch);
        if (taken->num_rows() > 0) writer.Write(taken);
      }
    } catch (...) {
      for (const auto& key : writer.closed_keys()) parts_.catalog.store().Delete(key);
      throw;
    }
    report_.rows = writer.rows();
    report_.rows_dropped = rows.dropped();
    for (size_t i = 0; i < model_.expectations.size(); ++i) {
      report_.expectations.push_back({model_.expectations[i].condition, rows.violations(i)});
    }
    auto files = std::move(writer).Finish();
    report_.files = static_cast<int64_t>(files.size());
    for (const auto& file : files) report_.bytes += file.file_size_in_bytes;
    return files;
  }

  RunReport Commit(table::SnapshotChange change) {
    if (!output_) output_ = *parts_.catalog.Load(model_.name);
    if (!output_->metadata->current_snapshot_id) {
      change.operation = "append";
      change.remove_all = false;
    }
    FaultPoint("refine.before_commit");
    land::Committer committer(parts_.catalog, model_.name, output_->metadata->table_uuid, parts_.clock);
    const auto result = committer.Commit(std::move(change),
                                         land::MovePositions{PositionScope(model_), plan_.from, plan_.to}, parts_.stop);
    FaultPoint("refine.after_commit");
    if (const auto* landed = std::get_if<land::Landed>(&result)) {
      report_.outcome = RunReport::Outcome::kBuilt;
      report_.snapshot_id = landed->snapshot_id;
      return report_;
    }
    RunReport overtaken;
    overtaken.model = model_.name;
    overtaken.why = "another run of it was faster";
    return overtaken;
  }

  const Parts parts_;
  const Model& model_;
  const RunPlan plan_;
  query::QueryOptions query_;
  std::optional<catalog::LoadedTable> output_;
  RunReport report_;
};

RunReport Failed(const Model& model, const Error& error) {
  RunReport report;
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
  const Deadline deadline(node.model.timeout, stop);
  try {
    return WithContext("model " + ToString(node.model.name), [&] {
      if (node.model.materialized == Materialized::kView) return OfView(node.model);
      auto plan = PlanRun(catalog_, node, options);
      return ModelRun({catalog_, engine_, budget_, graph_, clock_, deadline.token()}, node, std::move(plan)).Run();
    });
  } catch (const Error& error) {
    if (!deadline.passed()) return Failed(node.model, error);
    return Failed(node.model, Error(ErrorCode::kStop,
                                    fmt::format("model {}: it took longer than its timeout of {}; nothing was written",
                                                ToString(node.model.name), FormatDuration(*node.model.timeout))));
  }
}

}  // namespace millrace::refine
