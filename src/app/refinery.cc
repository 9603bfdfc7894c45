#include "app/refinery.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "app/engine_options.h"
#include "app/model_files.h"
#include "app/spark_block.h"
#include "app/work_events.h"
#include "base/log.h"

namespace millrace::app {
namespace {

/// "host:pid", for people.
std::string ProcessName() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) return fmt::format("process {}", ::getpid());
  return fmt::format("{}:{}", host.data(), ::getpid());
}

void TellExpectations(const refine::RunReport& report) {
  for (const auto& expectation : report.expectations) {
    if (expectation.met) continue;
    const auto name = catalog::ToString(report.model);
    if (expectation.measure.empty()) {
      fmt::print(stderr, "{}: {} rows do not meet: {} ({})\n", name, expectation.violations, expectation.condition,
                 expectation.severity);
    } else {
      fmt::print(stderr, "{}: the table does not meet: {} ({}): {}\n", name, expectation.condition,
                 expectation.severity, expectation.observed);
    }
  }
}

}  // namespace

Refinery::Refinery(const PipelineConfig& pipeline, const DataDirectory& directory, Lake& lake, ByteBudget& budget,
                   std::optional<refine::ModelEngine> engine)
    : engine_(*lake.catalog, EngineOptionsFor(pipeline, EngineShare(pipeline), directory)),
      runner_(*lake.catalog, engine_, budget, refine::Graph(ModelsOf(pipeline, engine), engine_)),
      scheduler_(runner_.graph(), *lake.catalog),
      log_(directory.state()) {
  // A catalogue in the data directory has one process at a time anyway; keys that a catalogue vends are for tables
  // alone.
  const auto& catalog = pipeline.lake.catalog;
  if ((catalog.rest || catalog.glue || catalog.sqlite) && !lake.vended)
    leases_.emplace(lake.catalog->store(), ProcessName(), pipeline.model_lease);
  if (auto server = SparkServerOf(pipeline)) {
    spark_.emplace(refine::SparkSupport{
        std::move(*server), [this](const auto& model, const auto& progress) { ShowProgress(model, progress); }});
    runner_.Use(*spark_);
  }
}

std::unique_ptr<Refinery> Refinery::Open(const PipelineConfig& pipeline, const DataDirectory& directory, Lake& lake,
                                         ByteBudget& budget, std::optional<refine::ModelEngine> engine) {
  if (!pipeline.models) return nullptr;
  return std::unique_ptr<Refinery>(new Refinery(pipeline, directory, lake, budget, engine));
}

void Refinery::RequireEngines(const std::vector<catalog::TableName>& models, const std::stop_token& stop) const {
  const auto on_spark = [&](const refine::Node& node) {
    return node.model.engine == refine::ModelEngine::kSpark && node.model.materialized != refine::Materialized::kView &&
           (models.empty() || std::ranges::find(models, node.model.name) != models.end());
  };
  if (spark_ && std::ranges::any_of(graph().nodes(), on_spark)) query::RequireSpark(spark_->server, stop);
}

void Refinery::ShowProgress(const catalog::TableName& model, const query::SparkProgress& progress) {
  if (!progress_ || shown_ != model) {
    progress_ = std::make_unique<Progress>(catalog::ToString(model) + " on Spark, tasks");
    shown_ = model;
  }
  progress_->Show(progress.tasks_done, progress.tasks == 0 ? std::nullopt
                                                           : std::optional(static_cast<double>(progress.tasks_done) /
                                                                           static_cast<double>(progress.tasks)));
}

void Refinery::Tell(const refine::RunReport& report, bool tell_built) {
  using Outcome = refine::RunReport::Outcome;
  const auto name = catalog::ToString(report.model);
  const auto why = report.why.empty() ? std::string() : " (" + report.why + ")";
  switch (report.outcome) {
    case Outcome::kBuilt:
      failures_.erase(report.model);
      if (tell_built) fmt::print(stderr, "{}: {} rows{}\n", name, report.rows, why);
      break;
    case Outcome::kNothing:
      if (tell_built) fmt::print(stderr, "{}: as it was{}\n", name, why);
      break;
    case Outcome::kFailed:
    case Outcome::kSkipped:
      if (std::exchange(failures_[report.model], report.why) == report.why && !tell_built) return;
      fmt::print(stderr, "millrace: {}{}\n", report.outcome == Outcome::kSkipped ? name + ": left out: " : "",
                 report.why);
      break;
  }
  TellExpectations(report);
}

/// Nothing depends on it: a disk that is full must not end the run.
void Refinery::Remember(const refine::RunReport& report) {
  try {
    log_.Add(report);
  } catch (const Error& error) {
    LogWarning("the run of {} is not in the history of runs: {}", catalog::ToString(report.model), error.what());
  }
}

std::vector<refine::RunReport> Refinery::Run(const std::vector<catalog::TableName>& models, refine::RunOptions options,
                                             std::stop_token stop, bool tell_built) {
  if (leases_) options.leases = &*leases_;
  auto reports = runner_.Run(models, options, stop);
  progress_.reset();
  for (const auto& report : reports) {
    if (report.busy) {
      if (tell_built) Tell(report, tell_built);
      continue;
    }
    ModelTurned{.report = report}.Emit();
    Remember(report);
    // What a stop cut short is done by the next run.
    if (stop.stop_requested() && report.outcome != refine::RunReport::Outcome::kBuilt) continue;
    Tell(report, tell_built);
  }
  return reports;
}

std::vector<refine::RunReport> Refinery::RunDue(refine::Scheduler::First first, std::stop_token stop, bool tell_built) {
  const auto due = scheduler_.Due(first);
  if (due.empty()) return {};
  auto reports = Run(due, {.at = Clock::System().Now(), .wait = tell_built}, stop, tell_built);
  if (!stop.stop_requested()) {
    for (const auto& report : reports) scheduler_.Ended(report);
  }
  return reports;
}

bool AnyFailed(const std::vector<refine::RunReport>& reports) {
  return std::any_of(reports.begin(), reports.end(), [](const refine::RunReport& report) {
    return report.outcome == refine::RunReport::Outcome::kFailed ||
           report.outcome == refine::RunReport::Outcome::kSkipped;
  });
}

}  // namespace millrace::app
