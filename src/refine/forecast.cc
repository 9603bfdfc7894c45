#include "refine/forecast.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "refine/fresh_rows.h"
#include "refine/run_plan.h"
#include "table/live_files.h"

namespace millrace::refine {
namespace {

using catalog::TableName;
using Action = Forecast::Action;

Action ActionOf(RunPlan::Way way) {
  switch (way) {
    case RunPlan::Way::kNothing:
      return Action::kNothing;
    case RunPlan::Way::kRebuild:
      return Action::kFull;
    case RunPlan::Way::kAppend:
      return Action::kAppend;
    case RunPlan::Way::kMerge:
      return Action::kMerge;
    case RunPlan::Way::kReplace:
      return Action::kReplace;
    case RunPlan::Way::kMove:
      return Action::kMove;
  }
  throw Error(ErrorCode::kInternal, "a way to run that there is not");
}

/// Bytes of the data files that a table has now.
int64_t BytesOf(catalog::Catalog& catalog, const TableName& name) {
  const auto table = catalog.Load(name);
  const auto* head = table ? table->metadata->current_snapshot() : nullptr;
  int64_t bytes = 0;
  if (head == nullptr) return bytes;
  table::ForEachLiveFile(catalog.store(), *table->metadata, *head, {},
                         [&](const table::ManifestEntry& entry) { bytes += entry.file.file_size_in_bytes; });
  return bytes;
}

class Forecaster {
 public:
  Forecaster(catalog::Catalog& catalog, query::Engine& engine, const Graph& graph, const RunOptions& options)
      : catalog_(catalog), engine_(engine), graph_(graph), options_(options) {}

  Forecast Of(const Node& node) {
    const auto& model = node.model;
    Forecast forecast;
    forecast.model = model.name;
    if (model.materialized == Materialized::kView) {
      forecast.action = Action::kView;
      forecast.why = "its SQL stands wherever it is named";
      return forecast;
    }
    auto plan = PlanRun(catalog_, node, options_);
    forecast.action = ActionOf(plan.way);
    forecast.why = plan.why;
    AfterOthers(node, plan, forecast);
    if (forecast.writes()) {
      if (forecast.why.empty()) forecast.why = PlainReason(forecast.action, model, plan);
      if (forecast.action != Action::kMove) AddInputs(node, plan, forecast);
      if (forecast.action == Action::kMerge || forecast.action == Action::kReplace || forecast.action == Action::kFull)
        forecast.bytes_replaced_max = BytesOf(catalog_, model.name);
      written_.insert(model.name);
    }
    return forecast;
  }

 private:
  static std::string PlainReason(Action action, const Model& model, const RunPlan& plan) {
    if (action == Action::kAppend || action == Action::kMerge || action == Action::kReplace ||
        action == Action::kMove) {
      return fmt::format("{} has new {}", ToString(*model.over), action == Action::kMove ? "snapshots" : "rows");
    }
    return plan.seen_before.empty() ? "it never ran" : "an input has changed";
  }

  const Node* WrittenBefore(const TableName& input) const {
    const auto* node = graph_.Find(input);
    return node && written_.contains(node->model.name) ? node : nullptr;
  }

  /// A model that had nothing to do has, when one that it is made of writes first.
  void AfterOthers(const Node& node, RunPlan& plan, Forecast& forecast) const {
    const auto& model = node.model;
    if (forecast.action != Action::kNothing && forecast.action != Action::kMove) return;
    std::string missing;
    const Node* first = nullptr;
    for (const auto& input : node.inputs) {
      const auto* below = WrittenBefore(input);
      const bool drives = model.materialized != Materialized::kIncremental || graph_.Find(*model.over) == below;
      if (below && drives && first == nullptr) first = below;
      if (!below && !catalog_.Load(input)) missing = ToString(input);
    }
    if (first == nullptr || (!missing.empty() && plan.ranges.empty())) return;
    forecast.why = fmt::format("{}, which it is made of, runs before it", ToString(first->model.name));
    forecast.action = Action::kFull;
    if (model.materialized != Materialized::kIncremental || plan.seen_before.empty()) return;
    if (model.strategy == Strategy::kReplacePartitions) {
      forecast.action = Action::kReplace;
      return;
    }
    forecast.action = model.key.empty() ? Action::kAppend : Action::kMerge;
    for (const auto& [table, seen] : plan.seen_before) plan.ranges[table].after = seen;
  }

  void AddInputs(const Node& node, const RunPlan& plan, Forecast& forecast) {
    query::QueryOptions query;
    query.ranges = plan.ranges;
    query.views = graph_.views();
    query.views[FreshRowsName(node.model)] = node.model.sql;
    std::map<TableName, Forecast::Input> inputs;
    bool all_there = true;
    for (const auto& name : node.inputs) {
      const auto* before = WrittenBefore(name);
      if (before && !catalog_.Load(before->model.name)) {
        all_there = false;
        inputs[before->model.name].changes_before = true;
      }
    }
    for (const auto& [name, range] : plan.ranges) {
      auto& input = inputs[name];
      input.changes_before = WrittenBefore(name) != nullptr;
      if (!input.changes_before) input.to = range.upto;
      if (const auto seen = plan.seen_before.find(name); seen != plan.seen_before.end()) input.from = seen->second;
    }
    // A table that is yet to be made has no columns to plan with.
    const auto scans = all_there ? engine_.Plan(FreshRowsSql(node.model), query) : std::vector<query::ScanReport>();
    for (const auto& scan : scans) {
      auto& input = inputs[scan.table];
      input.rows += scan.rows_read_max;
      input.files += scan.files_read;
      input.bytes += scan.bytes_read_max;
    }
    for (auto& [name, input] : inputs) {
      input.table = name;
      forecast.bytes_read += input.bytes;
      forecast.inputs.push_back(std::move(input));
    }
  }

  catalog::Catalog& catalog_;
  query::Engine& engine_;
  const Graph& graph_;
  const RunOptions& options_;
  std::set<TableName> written_;
};

}  // namespace

std::string_view ToString(Forecast::Action action) {
  switch (action) {
    case Action::kNothing:
      return "nothing";
    case Action::kView:
      return "view";
    case Action::kAppend:
      return "append";
    case Action::kMerge:
      return "merge";
    case Action::kReplace:
      return "replace";
    case Action::kFull:
      return "full";
    case Action::kMove:
      return "position";
  }
  throw Error(ErrorCode::kInternal, "an action that there is not");
}

std::vector<Forecast> ForecastRun(catalog::Catalog& catalog, query::Engine& engine, const Graph& graph,
                                  const std::vector<TableName>& models, const RunOptions& options) {
  std::vector<Forecast> forecasts;
  Forecaster forecaster(catalog, engine, graph, options);
  for (const auto& node : graph.nodes()) {
    const bool chosen =
        models.empty() || std::ranges::any_of(models, [&](const TableName& name) { return graph.Find(name) == &node; });
    if (!chosen) continue;
    forecasts.push_back(WithContext("model " + ToString(node.model.name), [&] { return forecaster.Of(node); }));
  }
  return forecasts;
}

}  // namespace millrace::refine
