#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/load_config.h"
#include "app/pipeline.h"
#include "app/progress.h"
#include "app/run_status.h"
#include "app/signal_stop.h"
#include "app/verbs.h"

namespace millrace::app {
namespace {

/// One line a table, on stderr.
void TellReport(const RunReport& report) {
  for (const auto& table : report.tables) {
    uint64_t rejected = 0;
    for (const auto& [cause, count] : table.counts.rejected) rejected += count;
    auto line = fmt::format("{}: {} rows in {} commits", table.name, table.counts.rows, table.counts.commits);
    if (table.counts.deletes > 0) line += fmt::format(", {} deletes", table.counts.deletes);
    if (table.counts.duplicates > 0) line += fmt::format(", {} duplicates dropped", table.counts.duplicates);
    if (rejected > 0) line += fmt::format(", {} records to quarantine", rejected);
    if (table.counts.rescued_values > 0)
      line += fmt::format(", {} values kept in _rescued", table.counts.rescued_values);
    fmt::print(stderr, "{}\n", line);
  }
}

void ShowProgress(const PipelineRunner& runner, Progress& progress) {
  uint64_t landed = 0;
  uint64_t behind = 0;
  for (const auto& table : runner.tables()) {
    const auto status = table->status();
    landed += status.counts.records;
    if (status.lag.records > 0) behind += static_cast<uint64_t>(status.lag.records);
  }
  std::optional<double> share;
  if (behind > 0) share = static_cast<double>(landed) / static_cast<double>(landed + behind);
  progress.Show(static_cast<int64_t>(landed), share);
}

ExitCode Run(const Session& session, bool until_idle) {
  // Whoever read our talk may go; the pipeline does not.
  std::signal(SIGPIPE, SIG_IGN);
  const SignalStop stop;
  const auto config = LoadConfig(session.config_paths);
  Pipeline pipeline(config, until_idle);
  RunReport report;
  {
    Progress progress("landing");
    report = pipeline.Run(stop.token(), [&](const PipelineRunner& runner) { ShowProgress(runner, progress); });
  }
  TellReport(report);
  if (stop.signalled()) {
    fmt::print(stderr, "stopped by a signal: everything above is committed; run again to go on from there\n");
    return until_idle ? ExitCode::kFailed : ExitCode::kDone;
  }
  return pipeline.models_failed() ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace

void AddRun(CLI::App& root, Session& session) {
  const auto until_idle = std::make_shared<bool>(false);
  auto* verb = AddVerb(
      root, session, "run", "Run a pipeline: sources -> topics -> tables -> models",
      [&session, until_idle] { return Run(session, *until_idle); },
      "  millrace run                                                 until Ctrl-C\n"
      "  millrace run --until-idle -c examples/github/millrace.yaml   catch up, refine, exit\n"
      "  millrace run -c base.yaml -c production.yaml                 files merge");
  verb->add_flag("--until-idle", *until_idle, "Stop when everything there is has landed (for cron and CI)");
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
