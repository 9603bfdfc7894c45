#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/files_table_facts.h"
#include "app/housekeeper.h"
#include "app/load_config.h"
#include "app/opened_lake.h"
#include "app/plan.h"
#include "app/run_status.h"
#include "app/snapshot_facts.h"
#include "app/storage.h"
#include "app/table_positions.h"
#include "app/table_why.h"
#include "app/text_table.h"
#include "app/verbs.h"
#include "refine/expectation_results.h"
#include "refine/watermark.h"

namespace millrace::app {
namespace {

/// A running process writes its status about once a second.
constexpr auto kSilentAfter = std::chrono::seconds(15);

/// What the lake and the stream say of a table, whoever runs or not.
struct TableFacts {
  nlohmann::json rows;
  nlohmann::json last_commit;
  std::optional<int64_t> lag;
  std::optional<refine::TableShape> shape;
};

/// What the process that runs the pipeline, or ran it last, said of itself.
struct RunFacts {
  std::optional<std::string> holder;  // its pid while it runs
  std::optional<nlohmann::ordered_json> status;
};

TableFacts FactsOf(OpenedLake& opened, const std::string& name, const TableConfig& table,
                   const std::vector<TablePosition>& positions, bool with_shape) {
  TableFacts facts{.rows = 0, .last_commit = nullptr, .lag = std::nullopt, .shape = std::nullopt};
  if (table.files) {
    facts.rows = ReadFilesTable(opened.pipeline, name, opened.lake).rows;
  } else if (const auto loaded = opened.lake.catalog->Load(catalog::ParseTableName(name))) {
    if (const auto* snapshot = loaded->metadata->current_snapshot()) {
      facts.rows = SummaryNumber(snapshot->summary, "total-records");
      facts.last_commit = FormatMillis(snapshot->timestamp_ms);
    }
    if (with_shape) {
      facts.shape = refine::MeasureShape(opened.lake.catalog->store(), *loaded->metadata,
                                         MaintenanceRulesFor(opened.pipeline, name).compaction);
    }
  }
  for (const auto& position : positions) {
    if (position.table == name && position.lag) facts.lag = facts.lag.value_or(0) + *position.lag;
  }
  return facts;
}

std::map<std::string, TableFacts> ReadFacts(OpenedLake& opened, bool with_shape) {
  const auto stream = OpenStreamIfThere(opened.pipeline, opened.directory);
  const auto positions = ReadTablePositions(opened, stream.get());
  std::map<std::string, TableFacts> facts;
  for (const auto& [name, table] : opened.pipeline.tables) {
    facts[name] = FactsOf(opened, name, table, positions, with_shape);
  }
  return facts;
}

std::string TextAt(const nlohmann::ordered_json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Why a process that runs says nothing that counts.
std::optional<TableWhy> WhySilent(const RunFacts& run) {
  if (!run.status || run.status->contains("ended")) return TableWhy{"starting", "the pipeline is starting"};
  const auto said = ParseTimestamp(TextAt(*run.status, "at"));
  const auto now = Clock::System().Now();
  if (!said || now - *said <= kSilentAfter) return std::nullopt;
  return TableWhy{"silent", fmt::format("process {} has said nothing for {}: it is suspended, or stuck", *run.holder,
                                        Span(now - *said))};
}

/// As the running process says of the table.
TableWhy WhyWhileRunning(const RunFacts& run, const std::string& name) {
  if (auto silent = WhySilent(run)) return *std::move(silent);
  const auto tables = run.status->find("tables");
  if (tables == run.status->end() || !tables->contains(name)) {
    return {"unknown", "the process that runs does not know this table: it was started with another configuration"};
  }
  return {TextAt((*tables)[name], "state"), TextAt((*tables)[name], "why")};
}

/// How the last run came to its end.
TableWhy WhyNothingRuns(const RunFacts& run) {
  if (!run.status) return {"not_running", "the pipeline does not run"};
  const auto ended = run.status->find("ended");
  if (ended == run.status->end()) {
    return {"killed", fmt::format("the pipeline does not run: its process ended without a word around {} (killed, or a "
                                  "crash); the next start goes on from the last commit",
                                  TextAt(*run.status, "at"))};
  }
  const auto error = TextAt(*ended, "error");
  if (error.empty()) return {"not_running", "the pipeline does not run; it ended at " + TextAt(*ended, "at")};
  return {"failed", fmt::format("the pipeline was stopped at {} by an error: {}", TextAt(*ended, "at"), error)};
}

TableWhy WhyOf(const RunFacts& run, const std::string& name, const TableFacts* facts) {
  auto why = run.holder ? WhyWhileRunning(run, name) : WhyNothingRuns(run);
  if (run.holder || facts == nullptr) return why;
  if (facts->lag == 0) why.sentence += "; everything in its topic has landed";
  if (facts->lag.value_or(0) > 0) why.sentence += fmt::format("; {} records wait in its topic", *facts->lag);
  if (facts->shape && facts->shape->small_files > 1) {
    why.sentence += fmt::format("; {} of {} files are small, `millrace maintain` merges those that are due",
                                facts->shape->small_files, facts->shape->files);
  }
  return why;
}

void AddRow(Listing& listing, const std::string& name, const TableConfig& table, const TableFacts* facts,
            const std::optional<TableWhy>& why) {
  std::vector<nlohmann::json> row = {name, table.from, nullptr, nullptr, nullptr};
  if (facts != nullptr) {
    row[2] = facts->rows;
    if (facts->lag) row[3] = *facts->lag;
    row[4] = facts->last_commit;
  }
  if (why) {
    row.emplace_back(why->state);
    row.emplace_back(why->sentence);
  }
  listing.Add(std::move(row));
}

/// How each model's last run ended, and which expectations it broke.
Listing ModelsOf(const OpenedLake& opened) {
  Listing listing({{"model"}, {"last_run"}, {"outcome"}, {"rows"}, {"watermark"}, {"late_rows"}, {"broken"}, {"why"}});
  const auto engine = OpenEngineOver(opened);
  if (!engine.graph) return listing;
  const auto log = OpenRunLogToRead(opened.directory);
  std::map<std::string, std::string> broken;
  for (const auto& found : refine::NewestResults(*opened.lake.catalog, *engine.engine, "", 1, {})) {
    auto& text = broken[found.model];
    if (found.verdict == "broken")
      text += fmt::format("{}{} ({})", text.empty() ? "" : "; ", found.expectation, found.severity);
  }
  for (const auto& node : engine.graph->nodes()) {
    const auto name = catalog::ToString(node.model.name);
    const auto runs = log ? log->Newest(name, 1) : std::vector<refine::LoggedRun>();
    std::vector<nlohmann::json> row = {name, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
    if (!runs.empty()) {
      row[1] = FormatTimestamp(runs[0].began);
      row[2] = runs[0].outcome;
      row[3] = runs[0].rows;
      if (runs[0].outcome == "failed" || runs[0].outcome == "skipped") row[7] = runs[0].why;
    }
    const auto table = node.model.watermark ? opened.lake.catalog->Load(node.model.name) : std::nullopt;
    if (const auto mark = table ? refine::ReadWatermark(node.model, *table->metadata) : std::nullopt) {
      row[4] = FormatTimestamp(mark->watermark);
      row[5] = mark->late;
    }
    if (!broken[name].empty()) row[6] = broken[name];
    listing.Add(std::move(row));
  }
  return listing;
}

ExitCode PrintJson(const PipelineConfig& pipeline, const Listing& listing, const Listing& models, const RunFacts& run,
                   const std::string& trouble) {
  nlohmann::ordered_json out = {{"pipeline", pipeline.name}, {"running", run.holder.has_value()}};
  out["pid"] = run.holder ? nlohmann::ordered_json(*run.holder) : nlohmann::ordered_json();
  out["tables"] = nlohmann::ordered_json::parse(listing.AsJson());
  out["models"] = nlohmann::ordered_json::parse(models.AsJson());
  if (!trouble.empty()) out["trouble"] = trouble;
  if (run.status) out["run"] = *run.status;
  fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  return ExitCode::kDone;
}

/// A probe may ask every few seconds: the process' own word is read, neither the lake nor the stream.
ExitCode Ready(const Session& session) {
  const auto pipeline = LoadConfigOrDefaults(session.config_paths);
  const auto directory = DataDirectory::OpenToRead(pipeline.data_dir.value);
  const RunFacts run{DataDirectory::HolderOf(directory.path()), ReadRunStatus(directory.status())};
  std::vector<std::string> reasons;
  if (!run.holder) {
    reasons.push_back(WhyNothingRuns(run).sentence);
  } else if (const auto silent = WhySilent(run)) {
    reasons.push_back(silent->sentence);
  } else {
    reasons = run.status->value("not_ready", reasons);
  }
  if (session.json) fmt::print("{}\n", nlohmann::ordered_json{{"ready", reasons.empty()}, {"reasons", reasons}}.dump());
  for (const auto& reason : reasons) fmt::print(stderr, "millrace: not ready: {}\n", reason);
  return reasons.empty() ? ExitCode::kDone : ExitCode::kFailed;
}

ExitCode Status(const Session& session, bool why) {
  const auto pipeline = LoadConfigOrDefaults(session.config_paths);
  const auto directory = DataDirectory::OpenToRead(pipeline.data_dir.value);
  const RunFacts run{DataDirectory::HolderOf(directory.path()), ReadRunStatus(directory.status())};
  std::map<std::string, TableFacts> facts;
  Listing models({{"model"}});
  std::string trouble;
  try {
    auto opened = OpenLakeOf(session);
    facts = ReadFacts(opened, why && !run.holder);
    if (pipeline.models) models = ModelsOf(opened);
  } catch (const Error& error) {
    // What the process says is worth the more the less the lake says.
    if (!run.status) throw;
    trouble = error.what();
  }
  std::vector<Listing::Column> columns = {{"table"}, {"from"}, {"rows"}, {"lag"}, {"last_commit"}};
  if (why) columns.insert(columns.end(), {{"state"}, {"why"}});
  Listing listing(columns);
  auto tables = pipeline.tables;
  for (const auto& [name, documents] : pipeline.documents) tables.emplace(FeedName(name), FeedOf(name, documents));
  for (const auto& [name, table] : tables) {
    const auto found = facts.find(name);
    const auto* of_table = found == facts.end() ? nullptr : &found->second;
    AddRow(listing, name, table, of_table, why ? std::optional(WhyOf(run, name, of_table)) : std::nullopt);
  }
  if (session.json) return PrintJson(pipeline, listing, models, run, trouble);
  fmt::print("pipeline {}: {}\n\n", pipeline.name, run.holder ? "runs as process " + *run.holder : "does not run");
  listing.Print(false, "it has no tables");
  if (!models.empty()) {
    fmt::print("\n");
    models.Print(false, "");
  }
  if (!trouble.empty()) fmt::print(stderr, "millrace: {}\n", trouble);
  return ExitCode::kDone;
}

}  // namespace

void AddStatus(CLI::App& root, Session& session) {
  const auto why = std::make_shared<bool>(false);
  const auto ready = std::make_shared<bool>(false);
  auto* verb = AddVerb(
      root, session, "status", "How far each table is, and why not further",
      [&session, why, ready] { return *ready ? Ready(session) : Status(session, *why); },
      "  millrace status\n  millrace status --why\n  millrace status --ready || echo not ready");
  verb->add_flag("--why", *why, "Say of each table why nothing more was committed");
  verb->add_flag("--ready", *ready,
                 "Exit with 0 when the pipeline runs and nothing is in its way, else with 1 and why");
  AddJsonOption(*verb, session);
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
