#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "app/engine_options.h"
#include "app/housekeeper.h"
#include "app/load_config.h"
#include "app/maintenance_listing.h"
#include "app/signal_stop.h"
#include "app/verbs.h"
#include "config/value_types.h"

namespace millrace::app {
namespace {

struct MaintainArguments {
  std::vector<std::string> tables;
  bool dry_run = false;
  bool orphans = false;
  std::string older_than = "3d";
};

std::chrono::milliseconds AgeOf(const std::string& text) {
  if (const auto age = config::ParseDuration(text)) return *age;
  throw Error(ErrorCode::kUsage, fmt::format("--older-than '{}' is no duration; write it as 3d or 12h", text));
}

std::vector<catalog::TableName> Chosen(catalog::Catalog& catalog, const std::vector<std::string>& names) {
  if (names.empty()) return AllTables(catalog);
  std::vector<catalog::TableName> chosen;
  for (const auto& name : names) chosen.push_back(RequireTable(catalog, name).name);
  return chosen;
}

/// Other words for people than for programs: what was left alone, and why.
void Tell(const refine::MaintenanceReport& report) {
  if (report.busy) {
    fmt::print(stderr, "{}: another process maintains it\n", catalog::ToString(report.table));
  } else if (!report.why_failed.empty()) {
    fmt::print(stderr, "millrace: {}\n", report.why_failed);
  }
}

ExitCode Maintain(const Session& session, const MaintainArguments& arguments) {
  const SignalStop stop;
  const auto older_than = AgeOf(arguments.older_than);
  const auto pipeline = LoadConfigOrDefaults(session.config_paths);
  const auto directory = DataDirectory::OpenToRead(pipeline.data_dir.value);
  auto lake = OpenLakeToRead(pipeline, directory);
  ByteBudget budget(BufferShare(pipeline));
  refine::Maintainer maintainer(*lake.catalog, budget, directory.maintenance());
  MaintenanceListing told;
  bool failed = false;
  for (const auto& name : Chosen(*lake.catalog, arguments.tables)) {
    if (stop.signalled()) break;
    auto rules = MaintenanceRulesFor(pipeline, catalog::ToString(name));
    rules.dry_run = arguments.dry_run;
    // Somebody asked for it now: no partition is waited for.
    rules.compaction.cold_after = std::chrono::milliseconds(0);
    if (arguments.orphans) rules.orphans_older_than = older_than;
    const auto report = maintainer.Maintain(name, rules, stop.token());
    Tell(report);
    failed = failed || report.busy || !report.why_failed.empty();
    told.Add(report);
  }
  told.listing().Print(session.json, "there are no tables yet; `millrace run` makes them");
  if (arguments.dry_run) fmt::print(stderr, "nothing was changed\n");
  return failed || stop.signalled() ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace

void AddMaintain(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<MaintainArguments>();
  auto* verb = AddVerb(
      root, session, "maintain", "Merge small files, expire snapshots, remove orphans; no row changes",
      [&session, arguments] { return Maintain(session, *arguments); },
      "  millrace maintain --dry-run                       what would be done\n"
      "  millrace maintain silver.events                   also while `millrace run` lands into it\n"
      "  millrace maintain --orphans --older-than 7d       also files that no snapshot reaches");
  verb->add_option("TABLE", arguments->tables, "Tables to maintain; all without");
  verb->add_flag("--dry-run", arguments->dry_run, "Say what would be done and change nothing");
  verb->add_flag("--orphans", arguments->orphans, "Also delete files that nothing reaches, found so --older-than ago");
  verb->add_option("--older-than", arguments->older_than, "How long a file was seen to be an orphan before it goes")
      ->capture_default_str();
  AddJsonOption(*verb, session);
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
