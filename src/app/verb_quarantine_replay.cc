#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "app/engine_options.h"
#include "app/opened_lake.h"
#include "app/signal_stop.h"
#include "app/table_sinks.h"
#include "app/text_table.h"
#include "app/verbs.h"
#include "land/metadata_columns.h"
#include "land/quarantine.h"
#include "land/quarantine_replay.h"
#include "land/quarantined.h"
#include "refine/maintenance/table_lock.h"
#include "schema/schema.h"

namespace millrace::app {
namespace {

using Counts = std::map<std::string, land::ReplayCounts>;

struct ReplayArguments {
  std::string table;
  std::vector<std::string> causes;
  bool dry_run = false;
};

/// Where the model of a table lies: "gold/by_day.sql".
std::string FileOfModel(std::string name) {
  std::ranges::replace(name, '.', '/');
  return name + ".sql";
}

const TableConfig& TableOf(const PipelineConfig& pipeline, const std::string& name) {
  const auto found = pipeline.tables.find(name);
  if (found == pipeline.tables.end() && pipeline.models) {
    const auto file = std::filesystem::path(pipeline.models->value) / FileOfModel(name);
    if (std::filesystem::exists(file)) {
      throw Error(
          ErrorCode::kUsage,
          fmt::format("{} is made by a model; once it, or its expectation, is mended, `millrace refine {}` makes "
                      "its rows anew and empties its quarantine",
                      name, name));
    }
  }
  if (found == pipeline.tables.end() || found->second.files) {
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' is no Iceberg table of this pipeline; only those are replayed into", name));
  }
  return found->second;
}

/// A change that was kept out is older than what has landed since, and only an order says so.
void CheckOrder(const std::string& table, const TableConfig& config) {
  if (!config.upsert || !config.upsert->order_by.empty()) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{} holds the last change of each key, and what comes again would stand over what came after "
                          "it; name the column that orders changes (upsert.order_by)",
                          table));
}

/// A record of the words of CLI11: "a,b" and twice --cause are the same.
std::set<std::string> CausesOf(const std::vector<std::string>& words) { return {words.begin(), words.end()}; }

/// What the table's decoder and key would make of the records now; nothing is written.
Counts Try(OpenedLake& opened, const ReplayArguments& arguments, const TableConfig& config) {
  const auto target = catalog::ParseTableName(arguments.table);
  const auto quarantine = opened.lake.catalog->Load(land::QuarantineTableOf(target));
  if (!quarantine) return {};
  const auto decoder = MakeDecoder(config, SchemasOf(opened.pipeline, config, opened.directory));
  const auto table = opened.lake.catalog->Load(target);
  if (table) {
    decoder->Adopt(land::MetadataColumns(config.metadata).Without(*schema::ToArrow(table->metadata->schema())));
  }
  land::QuarantinedRecords records(*opened.lake.store, quarantine->metadata,
                                   {.target = arguments.table, .causes = CausesOf(arguments.causes)});
  Counts counts;
  for (auto batches = records.Next(); !batches.empty(); batches = records.Next()) {
    for (const auto& batch : batches) {
      std::map<uint32_t, std::string> failed;
      const auto decoded = decoder->Decode(*batch.events);
      for (const auto& reject : decoded.rejects) failed[reject.record] = event::ToString(reject.cause);
      for (uint32_t i = 0; i < batch.causes.size(); ++i) {
        auto& count = counts[batch.causes[i]];
        ++count.records;
        const auto found = failed.find(i);
        ++(found == failed.end() ? count.landed : count.failed[found->second]);
      }
    }
  }
  return counts;
}

Counts Land(OpenedLake& opened, const ReplayArguments& arguments, const TableConfig& config,
            const std::stop_token& stop) {
  const auto folder = opened.directory.path() / "replays" / ("quarantine." + arguments.table);
  std::filesystem::create_directories(folder);
  const auto lock = refine::TableLock::TryTake(folder / "lock");
  if (!lock) throw Error(ErrorCode::kUnavailable, "another process replays the quarantine of " + arguments.table);
  ByteBudget budget(BufferShare(opened.pipeline));
  land::QuarantineReplay replay(*opened.lake.catalog,
                                {.target = catalog::ParseTableName(arguments.table),
                                 .scope = opened.pipeline.name,
                                 .causes = CausesOf(arguments.causes)},
                                budget);
  auto options = TableSinkOptionsFor(opened.pipeline, arguments.table, config, opened.directory);
  options.scope = replay.sink_scope();
  options.rejects = replay.rejects();
  options.key_index_folder = folder / "keys";
  land::TableSink sink(*opened.lake.catalog, std::move(options), budget);
  auto counts = replay.Run(sink, stop);
  std::error_code ignored;
  std::filesystem::remove_all(folder / "keys", ignored);
  return counts;
}

void Print(const Session& session, const Counts& counts) {
  Listing listing({{"cause"}, {"records"}, {"landed"}, {"failed"}, {"failed_for"}});
  for (const auto& [cause, count] : counts) {
    uint64_t failed = 0;
    std::string reasons;
    for (const auto& [reason, records] : count.failed) {
      failed += records;
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : ", ", reason, records);
    }
    listing.Add(
        {cause, count.records, count.landed, failed, reasons.empty() ? nlohmann::json() : nlohmann::json(reasons)});
  }
  listing.Print(session.json, "nothing in quarantine waits for this table");
}

ExitCode Replay(const Session& session, const ReplayArguments& arguments) {
  const SignalStop stop;
  auto opened = OpenLakeOf(session);
  const auto& config = TableOf(opened.pipeline, arguments.table);
  CheckOrder(arguments.table, config);
  if (arguments.dry_run) {
    Print(session, Try(opened, arguments, config));
    fmt::print(stderr, "{}nothing was changed\n",
               config.key.empty() ? "" : "records whose key has landed are among these and will be dropped; ");
    return ExitCode::kDone;
  }
  Print(session, Land(opened, arguments, config, stop.token()));
  if (!stop.signalled()) return ExitCode::kDone;
  fmt::print(stderr, "stopped: what is above has landed and is marked; run it again for the rest\n");
  return ExitCode::kFailed;
}

}  // namespace

void AddQuarantineReplay(CLI::App& quarantine, Session& session) {
  const auto arguments = std::make_shared<ReplayArguments>();
  auto* verb = AddVerb(
      quarantine, session, "replay", "Land records once more after what kept them out was mended",
      [&session, arguments] { return Replay(session, *arguments); },
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
