#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/engine_options.h"
#include "app/load_config.h"
#include "app/opened_lake.h"
#include "app/refine_backfill.h"
#include "app/refinery.h"
#include "app/signal_stop.h"
#include "app/start_telemetry.h"
#include "app/text_table.h"
#include "app/verbs.h"
#include "base/bytes.h"
#include "refine/forecast.h"
#include "refine/selection.h"

namespace millrace::app {
namespace {

using nlohmann::json;

struct RefineArguments {
  BackfillArguments backfill;  // its models are those of any run
  bool full_refresh = false;
};

[[noreturn]] void ThrowNoModels() {
  throw Error(ErrorCode::kConfig, "this pipeline has no models; name their folder with `models:`");
}

/// As text: JavaScript's numbers cannot hold a snapshot id.
json IdOf(std::optional<table::SnapshotId> id) { return id ? json(std::to_string(id->value())) : json(); }

json JsonOf(const refine::Forecast& forecast) {
  auto inputs = json::array();
  for (const auto& input : forecast.inputs) {
    inputs.push_back({{"table", catalog::ToString(input.table)},
                      {"from", IdOf(input.from)},
                      {"to", IdOf(input.to)},
                      {"changes_before", input.changes_before},
                      {"rows", input.rows},
                      {"files", input.files},
                      {"bytes", input.bytes}});
  }
  return {{"model", catalog::ToString(forecast.model)},
          {"action", refine::ToString(forecast.action)},
          {"why", forecast.why},
          {"inputs", std::move(inputs)},
          {"bytes_read", forecast.bytes_read},
          {"bytes_replaced_max", forecast.bytes_replaced_max}};
}

/// One line a model and input.
void PrintForPeople(const std::vector<refine::Forecast>& forecasts) {
  Listing listing({{"model"},
                   {"action"},
                   {"input"},
                   {"from"},
                   {"to"},
                   {"rows"},
                   {"files"},
                   {"bytes", Listing::Form::kBytes},
                   {"why"}});
  int64_t writing = 0, bytes = 0;
  for (const auto& forecast : forecasts) {
    writing += forecast.writes() ? 1 : 0;
    bytes += forecast.bytes_read;
    const auto name = catalog::ToString(forecast.model);
    if (forecast.inputs.empty()) {
      listing.Add(
          {name, refine::ToString(forecast.action), json(), json(), json(), json(), json(), json(), forecast.why});
    }
    for (const auto& input : forecast.inputs) {
      const auto to = input.changes_before ? json("changes before") : IdOf(input.to);
      listing.Add({name, refine::ToString(forecast.action), catalog::ToString(input.table), IdOf(input.from), to,
                   input.rows, input.files, input.bytes, forecast.why});
    }
  }
  listing.Print(false, "there are no models");
  fmt::print(stderr, "{} of {} models would write, having read at most {}; nothing was changed\n", writing,
             forecasts.size(), FormatByteSize(static_cast<uint64_t>(bytes)));
}

ExitCode DryRun(const Session& session, const RefineArguments& arguments) {
  const auto opened = OpenLakeOf(session);
  const auto engine = OpenEngineOver(opened, EngineOf(arguments.backfill));
  if (!engine.graph) ThrowNoModels();
  const auto names = refine::Select(*engine.graph, arguments.backfill.models);
  const auto forecasts = refine::ForecastRun(*opened.lake.catalog, *engine.engine, *engine.graph, names,
                                             {.full_refresh = arguments.full_refresh});
  if (!session.json) {
    PrintForPeople(forecasts);
    return ExitCode::kDone;
  }
  auto printed = json::array();
  for (const auto& forecast : forecasts) printed.push_back(JsonOf(forecast));
  fmt::print("{}\n", printed.dump(2));
  return ExitCode::kDone;
}

ExitCode Refine(const Session& session, const RefineArguments& arguments) {
  const auto& backfill = arguments.backfill;
  if (!backfill.from.empty() || !backfill.to.empty() || backfill.abandon) {
    if (arguments.full_refresh) throw Error(ErrorCode::kUsage, "--full-refresh makes all rows, not those of a stretch");
    return RefineBackfill(session, backfill);
  }
  if (backfill.stage || !backfill.name.empty())
    throw Error(ErrorCode::kUsage, "--stage and --name belong to --from and --to");
  if (backfill.dry_run) return DryRun(session, arguments);
  if (session.json) throw Error(ErrorCode::kUsage, "--json belongs to --dry-run");
  const SignalStop stop;
  const auto pipeline = LoadConfig(session.config_paths);
  const auto telemetry = StartTelemetry(pipeline);
  const auto directory = DataDirectory::OpenToWrite(pipeline.data_dir.value);
  auto lake = OpenLake(pipeline, directory);
  ByteBudget budget(BufferShare(pipeline));
  const auto refinery = Refinery::Open(pipeline, directory, lake, budget, EngineOf(backfill));
  if (!refinery) ThrowNoModels();
  const auto names = refine::Select(refinery->graph(), arguments.backfill.models);
  refinery->RequireEngines(names, stop.token());
  refine::RunOptions options;
  options.full_refresh = arguments.full_refresh;
  options.wait = true;
  const auto reports = refinery->Run(names, options, stop.token(), true);
  return AnyFailed(reports) || stop.signalled() ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace

void AddRefine(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<RefineArguments>();
  auto* verb = AddVerb(
      root, session, "refine", "Run models: tables made from tables by SQL",
      [&session, arguments] { return Refine(session, *arguments); },
      "  millrace refine\n  millrace refine gold.events --full-refresh\n"
      "  millrace refine +gold.by_day        and what it is made of\n"
      "  millrace refine --dry-run           what would run, why, and what it would read\n"
      "  millrace refine silver.orders --from 2026-01-01 --to 2026-02-01   rows of that time again, in place of those "
      "there\n"
      "  millrace refine tag:daily silver.events+   those of a tag; one, and what is made of it");
  verb->add_option("MODEL", arguments->backfill.models, "Models to run, and no others; all without");
  verb->add_flag("--full-refresh", arguments->full_refresh, "Rebuild from all rows, whatever has changed");
  verb->add_flag("--dry-run", arguments->backfill.dry_run,
                 "Say which would run, why, and what each would read, and change nothing");
  auto& backfill = arguments->backfill;
  verb->add_option("--engine", backfill.engine, "Run them on this engine, whatever their headers say")
      ->check(CLI::IsMember({"duckdb", "spark"}));
  verb->add_option("--from", backfill.from,
                   "Of one incremental model: make the rows of this time on again, by its event_time");
  verb->add_option("--to", backfill.to, "Up to this time, excluded: 2026-01-02, 2026-01-02T03:00:00Z, 2h ago");
  verb->add_option("--window", backfill.window, "How much of it becomes one commit of its branch")
      ->capture_default_str();
  verb->add_option("--name", backfill.name, "What the backfill is called [a word made from the others]");
  verb->add_flag("--stage", backfill.stage, "Leave it on its branch for now");
  verb->add_flag("--abandon", backfill.abandon, "Give it up: drop its branch");
  AddJsonOption(*verb, session);
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
