#include "app/refine_backfill.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/engine_options.h"
#include "app/opened_lake.h"
#include "app/progress.h"
#include "app/replay_ranges.h"
#include "app/signal_stop.h"
#include "app/spark_block.h"
#include "app/text_table.h"
#include "base/duration.h"
#include "io/digest.h"
#include "land/replay.h"
#include "refine/backfill.h"
#include "refine/maintenance/table_lock.h"
#include "refine/run_plan.h"
#include "refine/selection.h"
#include "refine/spark_run.h"

namespace millrace::app {
namespace {

using Stage = refine::Backfill::Standing::Stage;

constexpr size_t kNameLength = 8;
constexpr size_t kNameLengthMax = 64;

const refine::Node& ModelOf(const BackfillArguments& arguments, const refine::Graph& graph) {
  const auto names = arguments.models.empty() ? std::vector<catalog::TableName>() : Select(graph, arguments.models);
  if (names.size() != 1) throw Error(ErrorCode::kUsage, "--from and --to are for one model, which is to be named");
  return *graph.Find(names[0]);
}

refine::Backfill::Stretch StretchOf(const BackfillArguments& arguments) {
  if (arguments.from.empty() || arguments.to.empty())
    throw Error(ErrorCode::kUsage, "a backfill has a beginning and an end: --from 2026-01-01 --to 2026-02-01");
  const auto now = Clock::System().Now();
  const auto window = ParseDuration(arguments.window);
  if (!window || window->count() == 0)
    throw Error(ErrorCode::kUsage,
                fmt::format("--window: '{}' is no duration; write it as 1d or 6h", arguments.window));
  return {.from = ParseTime(arguments.from, now), .to = ParseTime(arguments.to, now), .window = *window};
}

/// The same words over the same SQL name the same backfill, so that running a command again goes on with it.
std::string NameOf(const BackfillArguments& arguments, const refine::Node& node) {
  if (arguments.name.empty()) {
    const auto words = fmt::format("{}\n{}\n{}\n{}\n{}", catalog::ToString(node.model.name), arguments.from,
                                   arguments.to, arguments.window, refine::DefinitionOf(node).value());
    return io::Hex(io::Sha256(words)).substr(0, kNameLength);
  }
  const bool sound =
      std::ranges::all_of(arguments.name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
  if (sound && arguments.name.size() <= kNameLengthMax) return arguments.name;
  throw Error(ErrorCode::kUsage, "--name has letters, digits, '-' and '_', at most 64");
}

void Show(const Session& session, refine::Backfill& backfill) {
  Listing listing({{"from"},
                   {"to"},
                   {"action"},
                   {"rows"},
                   {"files"},
                   {"bytes", Listing::Form::kBytes},
                   {"bytes_replaced_max", Listing::Form::kBytes}});
  for (const auto& window : backfill.Forecast()) {
    listing.Add({FormatTimestamp(window.from), FormatTimestamp(window.to), "replace range", window.rows, window.files,
                 window.bytes, window.bytes_replaced_max});
  }
  listing.Print(session.json, "nothing");
}

ExitCode Tell(const std::string& model, const std::string& name, const refine::Backfill::Report& report) {
  fmt::print(
      stderr, "{}: {} rows in {} windows{}{}\n", model, report.rows, report.windows,
      report.rows_dropped > 0 ? fmt::format(", {} dropped", report.rows_dropped) : "",
      report.rows_quarantined > 0 ? fmt::format(", {} of the stretch in quarantine", report.rows_quarantined) : "");
  for (const auto& found : report.expectations) {
    if (!found.met)
      fmt::print(stderr, "{}: {} rows do not meet: {} ({}){}\n", model, found.violations, found.condition,
                 found.severity, found.observed.empty() ? "" : ": " + found.observed);
  }
  if (report.published) {
    fmt::print(stderr, "{}: the backfill {} is part of the table\n", model, name);
  } else {
    fmt::print(stderr, "they are on the branch {}; run it again without --stage to make them part of the table\n",
               land::ReplayBranch(name));
  }
  return ExitCode::kDone;
}

}  // namespace

std::optional<refine::ModelEngine> EngineOf(const BackfillArguments& arguments) {
  if (arguments.engine.empty()) return std::nullopt;
  return arguments.engine == "spark" ? refine::ModelEngine::kSpark : refine::ModelEngine::kDuckDb;
}

ExitCode RefineBackfill(const Session& session, const BackfillArguments& arguments) {
  const SignalStop stop;
  const auto opened = OpenLakeOf(session);
  const auto engine = OpenEngineOver(opened, EngineOf(arguments));
  if (!engine.graph) throw Error(ErrorCode::kConfig, "this pipeline has no models; name their folder with `models:`");
  const auto& node = ModelOf(arguments, *engine.graph);
  const auto model = catalog::ToString(node.model.name);
  const auto name = NameOf(arguments, node);
  ByteBudget budget(BufferShare(opened.pipeline));
  std::optional<refine::SparkSupport> spark;
  if (auto server = SparkServerOf(opened.pipeline)) spark.emplace(refine::SparkSupport{.server = std::move(*server)});
  const refine::Backfill::Parts parts{*opened.lake.catalog, *engine.engine,  budget,
                                      *engine.graph,        Clock::System(), spark ? &*spark : nullptr};
  if (arguments.abandon) {
    refine::Backfill::Abandon(parts, node, name, stop.token());
    fmt::print(stderr, "{}: the backfill {} is given up; the table is as it was\n", model, name);
    return ExitCode::kDone;
  }
  refine::Backfill backfill(parts, node, StretchOf(arguments), name);
  if (backfill.Look().stage == Stage::kDone) {
    if (!arguments.dry_run) backfill.Finish(stop.token());
    fmt::print(stderr, "{}: the backfill {} is done and part of the table; --name another does the same once more\n",
               model, name);
    return ExitCode::kDone;
  }
  if (arguments.dry_run) {
    Show(session, backfill);
    fmt::print(stderr, "{}: backfill {}; nothing was changed\n", model, name);
    return ExitCode::kDone;
  }
  const auto folder = opened.directory.path() / "backfills";
  std::filesystem::create_directories(folder);
  const auto lock = refine::TableLock::TryTake(folder / name);
  if (!lock) throw Error(ErrorCode::kUnavailable, "another process works on the backfill " + name);
  Progress progress("windows");
  const auto report = backfill.Run(
      arguments.stage,
      [&](int64_t done, int64_t all) {
        progress.Show(done, all == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(all));
      },
      stop.token());
  return Tell(model, name, report);
}

}  // namespace millrace::app
