#include "app/refinery.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "app/engine_options.h"

namespace millrace::app {
namespace {

void TellExpectations(const refine::RunReport& report) {
  for (const auto& expectation : report.expectations) {
    if (expectation.violations == 0) continue;
    fmt::print(stderr, "{}: {} rows do not meet: {}\n", catalog::ToString(report.model), expectation.violations,
               expectation.condition);
  }
}

void Tell(const refine::RunReport& report, bool tell_built, bool stopped) {
  using Outcome = refine::RunReport::Outcome;
  const auto name = catalog::ToString(report.model);
  // What a stop cut short is done by the next run.
  if (stopped && report.outcome != Outcome::kBuilt) return;
  switch (report.outcome) {
    case Outcome::kBuilt:
      if (tell_built)
        fmt::print(stderr, "{}: {} rows{}\n", name, report.rows, report.why.empty() ? "" : " (" + report.why + ")");
      break;
    case Outcome::kNothing:
      if (tell_built) fmt::print(stderr, "{}: as it was{}\n", name, report.why.empty() ? "" : " (" + report.why + ")");
      break;
    case Outcome::kFailed:
      fmt::print(stderr, "millrace: {}\n", report.why);
      break;
    case Outcome::kSkipped:
      fmt::print(stderr, "millrace: model {}: left out: {}\n", name, report.why);
      break;
  }
  TellExpectations(report);
}

}  // namespace

Refinery::Refinery(const PipelineConfig& pipeline, const DataDirectory& directory, Lake& lake, ByteBudget& budget)
    : engine_(*lake.catalog, EngineOptionsFor(pipeline, directory)),
      runner_(*lake.catalog, engine_, budget, refine::Graph(refine::ReadModels(pipeline.models->value), engine_)) {}

std::unique_ptr<Refinery> Refinery::Open(const PipelineConfig& pipeline, const DataDirectory& directory, Lake& lake,
                                         ByteBudget& budget) {
  if (!pipeline.models) return nullptr;
  return std::unique_ptr<Refinery>(new Refinery(pipeline, directory, lake, budget));
}

std::vector<refine::RunReport> Refinery::Run(const std::vector<catalog::TableName>& models,
                                             const refine::RunOptions& options, std::stop_token stop, bool tell_built) {
  auto reports = runner_.Run(models, options, stop);
  for (const auto& report : reports) Tell(report, tell_built, stop.stop_requested());
  return reports;
}

bool AnyFailed(const std::vector<refine::RunReport>& reports) {
  return std::any_of(reports.begin(), reports.end(), [](const refine::RunReport& report) {
    return report.outcome == refine::RunReport::Outcome::kFailed ||
           report.outcome == refine::RunReport::Outcome::kSkipped;
  });
}

}  // namespace millrace::app
