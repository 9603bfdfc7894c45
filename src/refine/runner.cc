#include "refine/runner.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <utility>

#include "base/log.h"
#include "refine/deadline.h"
#include "refine/model_run.h"
#include "refine/run_lineage.h"
#include "refine/run_plan.h"
#include "refine/schedule/model_lease.h"

namespace millrace::refine {
namespace {

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
