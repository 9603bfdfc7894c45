#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/limited_stop.h"
#include "app/load_config.h"
#include "app/pipeline.h"
#include "app/progress.h"
#include "app/run_status.h"
#include "app/signal_stop.h"
#include "app/start_telemetry.h"
#include "app/verbs.h"
#include "base/error.h"
#include "config/value_types.h"
#include "io/outage_patience.h"

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

struct RunArguments {
  bool until_idle = false;
  std::string intake_time;
  std::string settle;
  std::string timeout;
};

std::optional<config::Duration> DurationOf(const std::string& text, const char* option) {
  if (text.empty()) return std::nullopt;
  const auto duration = config::ParseDuration(text);
  if (!duration)
    throw Error(ErrorCode::kUsage, fmt::format("{} takes a duration such as 90s or 2m, not '{}'", option, text));
  return duration;
}

RunLimits LimitsOf(const RunArguments& arguments) {
  RunLimits limits;
  limits.intake_time = DurationOf(arguments.intake_time, "--for");
  limits.until_idle = arguments.until_idle || limits.intake_time;
  for (const auto* option : {"--settle", "--timeout"}) {
    const bool given = !(option == std::string_view("--settle") ? arguments.settle : arguments.timeout).empty();
    if (given && !limits.until_idle) {
      throw Error(ErrorCode::kUsage, fmt::format("{} is for runs that end: give --for or --until-idle too", option));
    }
  }
  limits.settle = DurationOf(arguments.settle, "--settle").value_or(config::Duration(0));
  return limits;
}

/// The time of --timeout begins when the sources have ended and settled.
std::optional<config::Duration> TimeOf(const RunArguments& arguments, const RunLimits& limits) {
  const auto timeout = DurationOf(arguments.timeout, "--timeout");
  if (!timeout) return std::nullopt;
  return limits.intake_time.value_or(config::Duration(0)) + limits.settle + *timeout;
}

void TellTimeout(const RunArguments& arguments, const RunReport& report) {
  std::string behind;
  for (const auto& table : report.tables) {
    if (!table.drained) behind += (behind.empty() ? "" : ", ") + table.name;
  }
  fmt::print(
      stderr,
      "the --timeout of {} is over{}: everything above is committed; run again to go on from there, with more time "
      "if it needs that\n",
      arguments.timeout, behind.empty() ? " and models were not finished" : " and not all has landed in " + behind);
}

ExitCode Run(const Session& session, const RunArguments& arguments) {
  // Whoever read our talk may go; the pipeline does not.
  std::signal(SIGPIPE, SIG_IGN);
  const auto limits = LimitsOf(arguments);
  const auto time = TimeOf(arguments, limits);
  const SignalStop signal;
  const auto config = LoadConfig(session.config_paths);
  const auto telemetry = StartTelemetry(config);
  const LimitedStop stop(signal.token(), time);
  std::optional<Pipeline> opened;
  {
    // Brokers and stores that are asked first may keep it waiting.
    const io::OutagePatience stoppable(stop.token(), {});
    opened.emplace(config, limits);
  }
  auto& pipeline = *opened;
  RunReport report;
  {
    Progress progress("landing");
    report = pipeline.Run(stop.token(), [&](const PipelineRunner& runner) { ShowProgress(runner, progress); });
  }
  TellReport(report);
  if (stop.expired()) {
    TellTimeout(arguments, report);
    return ExitCode::kFailed;
  }
  if (signal.signalled()) {
    fmt::print(stderr, "stopped by a signal: everything above is committed; run again to go on from there\n");
    return limits.until_idle ? ExitCode::kFailed : ExitCode::kDone;
  }
  return pipeline.models_failed() ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace

void AddRun(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<RunArguments>();
  auto* verb = AddVerb(
      root, session, "run", "Run a pipeline: sources -> topics -> tables -> models",
      [&session, arguments] { return Run(session, *arguments); },
      "  millrace run                                                 until Ctrl-C\n"
      "  millrace run --until-idle -c examples/github/millrace.yaml   catch up, refine, exit\n"
      "  millrace run --for 60s --settle 10s --timeout 2m             take in for a minute, catch up, refine, exit\n"
      "  millrace run -c base.yaml -c production.yaml                 files merge");
  verb->add_flag("--until-idle", arguments->until_idle, "Stop when everything there is has landed (for cron and CI)");
  verb->add_option("--for", arguments->intake_time, "Read sources for this long, then as --until-idle: 60s, 5m");
  verb->add_option("--settle", arguments->settle,
                   "How long nothing more must come, after the sources have ended, before that is the end");
  verb->add_option(
      "--timeout", arguments->timeout,
      "Fail when landing and refining take longer than this after --for and --settle (without --for: after "
      "the start)");
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
