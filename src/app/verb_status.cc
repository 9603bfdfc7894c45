#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/files_table_facts.h"
#include "app/run_status.h"
#include "app/snapshot_facts.h"
#include "app/storage.h"
#include "app/table_positions.h"
#include "app/text_table.h"
#include "app/verbs.h"

namespace millrace::app {
namespace {

struct TableFacts {
  nlohmann::json rows;
  nlohmann::json last_commit;
  std::optional<int64_t> lag;
};

TableFacts FactsOf(OpenedLake& opened, const std::string& name, const TableConfig& table,
                   const std::vector<TablePosition>& positions) {
  TableFacts facts{.rows = 0, .last_commit = nullptr, .lag = std::nullopt};
  if (table.files) {
    facts.rows = ReadFilesTable(opened.pipeline, name, opened.lake).rows;
  } else if (const auto loaded = opened.lake.catalog->Load(catalog::ParseTableName(name))) {
    if (const auto* snapshot = loaded->metadata->current_snapshot()) {
      facts.rows = SummaryNumber(snapshot->summary, "total-records");
      facts.last_commit = FormatMillis(snapshot->timestamp_ms);
    }
  }
  for (const auto& position : positions) {
    if (position.table == name && position.lag) facts.lag = facts.lag.value_or(0) + *position.lag;
  }
  return facts;
}

/// Why nothing was committed to a table, as the running pipeline says or as can be seen from outside.
std::string WhyOf(const TableFacts& facts, const std::string& name, bool running,
                  const std::optional<nlohmann::ordered_json>& status) {
  if (running && status) {
    const auto tables = status->find("tables");
    if (tables != status->end() && tables->contains(name)) {
      auto waits = (*tables)[name].value("waits_for", "");
      if (!waits.empty()) return waits;
    }
  }
  if (!facts.lag)
    return running ? "it takes from a source directly; the source says when there is more"
                   : "the pipeline does not run";
  if (*facts.lag == 0) return "everything in its topic has landed";
  if (!running) return fmt::format("the pipeline does not run; {} records wait in its topic", *facts.lag);
  return fmt::format("{} records wait in its topic and are being read", *facts.lag);
}

ExitCode Status(const Session& session, bool why) {
  auto opened = OpenLakeOf(session);
  std::unique_ptr<event::Stream> stream;
  if (std::filesystem::exists(opened.directory.stream())) stream = OpenStream(opened.directory);
  const auto holder = DataDirectory::HolderOf(opened.directory.path());
  const auto status = ReadRunStatus(opened.directory.status());
  const auto positions = ReadTablePositions(opened, stream.get());
  std::vector<Listing::Column> columns = {{"table"}, {"from"}, {"rows"}, {"lag"}, {"last_commit"}};
  if (why) columns.push_back({"why"});
  Listing listing(columns);
  for (const auto& [name, table] : opened.pipeline.tables) {
    const auto facts = FactsOf(opened, name, table, positions);
    std::vector<nlohmann::json> row = {name, table.from, facts.rows,
                                       facts.lag ? nlohmann::json(*facts.lag) : nlohmann::json(), facts.last_commit};
    if (why) row.emplace_back(WhyOf(facts, name, holder.has_value(), status));
    listing.Add(std::move(row));
  }
  if (session.json) {
    nlohmann::ordered_json out = {{"pipeline", opened.pipeline.name}, {"running", holder.has_value()}};
    out["pid"] = holder ? nlohmann::ordered_json(*holder) : nlohmann::ordered_json();
    out["tables"] = nlohmann::ordered_json::parse(listing.AsJson());
    if (holder && status) out["run"] = *status;
    fmt::print("{}\n", out.dump(2));
    return ExitCode::kDone;
  }
  fmt::print("pipeline {}: {}\n\n", opened.pipeline.name, holder ? "runs as process " + *holder : "does not run");
  listing.Print(false, "it has no tables");
  return ExitCode::kDone;
}

}  // namespace

void AddStatus(CLI::App& root, Session& session) {
  const auto why = std::make_shared<bool>(false);
  auto* verb = AddVerb(
      root, session, "status", "How far each table is, and why not further",
      [&session, why] { return Status(session, *why); }, "  millrace status\n  millrace status --why");
  verb->add_flag("--why", *why, "Say of each table why nothing more was committed");
  AddJsonOption(*verb, session);
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
