#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "app/engine_options.h"
#include "app/opened_lake.h"
#include "app/quarantine_replays.h"
#include "app/signal_stop.h"
#include "app/verbs.h"

namespace millrace::app {
namespace {

struct ReplayArguments : ReplayRequest {
  bool dry_run = false;
};

void Print(const Session& session, const ReplayCountsByCause& counts) {
  ReplayListing(counts).Print(session.json, "nothing in quarantine waits for this table");
}

ExitCode RunReplay(const Session& session, const ReplayArguments& arguments) {
  const SignalStop stop;
  auto opened = OpenLakeOf(session);
  const ReplayPlace place{.pipeline = opened.pipeline, .directory = opened.directory, .lake = opened.lake};
  if (arguments.dry_run) {
    Print(session, TryReplay(place, arguments));
    fmt::print(stderr, "{}nothing was changed\n",
               opened.pipeline.tables.at(arguments.table).key.empty()
                   ? ""
                   : "records whose key has landed are among these and will be dropped; ");
    return ExitCode::kDone;
  }
  ByteBudget budget(BufferShare(opened.pipeline));
  Print(session, Replay(place, arguments, budget, stop.token()));
  if (!stop.signalled()) return ExitCode::kDone;
  fmt::print(stderr, "stopped: what is above has landed and is marked; run it again for the rest\n");
  return ExitCode::kFailed;
}

}  // namespace

void AddQuarantineReplay(CLI::App& quarantine, Session& session) {
  const auto arguments = std::make_shared<ReplayArguments>();
  auto* verb = AddVerb(
      quarantine, session, "replay", "Land records once more after what kept them out was mended",
      [&session, arguments] { return RunReplay(session, *arguments); },
      "  millrace quarantine replay silver.clicks --dry-run                  how many would land now\n"
      "  millrace quarantine replay silver.clicks --cause contract           while `millrace run` goes on\n"
      "  millrace quarantine replay silver.clicks                            what fails again stays");
  verb->add_option("TABLE", arguments->table, "The table they were meant for")->required();
  verb->add_option("--cause", arguments->causes, "Only these causes, as `quarantine list` names them")->delimiter(',');
  verb->add_flag("--dry-run", arguments->dry_run, "Say what would land and change nothing");
  AddJsonOption(*verb, session);
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
