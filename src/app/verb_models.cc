#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/graph_picture.h"
#include "app/opened_lake.h"
#include "app/text_table.h"
#include "app/verbs.h"
#include "base/error.h"
#include "refine/expect_header.h"
#include "refine/expectation_results.h"
#include "refine/schedule/scheduler.h"
#include "refine/selection.h"

namespace millrace::app {
namespace {

using nlohmann::json;
using refine::Materialized;

struct ModelsArguments {
  std::string name;
  int64_t rows = 20;
  int64_t runs = 1;
  bool dot = false;
  bool svg = false;
};

std::string_view WordOf(Materialized materialized) {
  switch (materialized) {
    case Materialized::kTable:
      return "table";
    case Materialized::kIncremental:
      return "incremental";
    case Materialized::kView:
      return "view";
  }
  throw Error(ErrorCode::kInternal, "a kind of model that there is not");
}

std::string ScheduleOf(const refine::Model& model) {
  if (model.materialized == Materialized::kView) return "";
  if (!model.times) return model.schedule == refine::Schedule::kManual ? "manual" : "on_commit";
  const auto zone = model.times->zone() == "UTC" ? std::string() : " " + model.times->zone();
  return model.times->expression() + zone;
}

/// The models of a pipeline that is looked at, whoever may be running it.
class OpenedModels {
 public:
  explicit OpenedModels(const Session& session)
      : opened_(OpenLakeOf(session)), engine_(OpenEngineOver(opened_)), log_(OpenRunLogToRead(opened_.directory)) {
    if (!engine_.graph) {
      throw Error(ErrorCode::kConfig, "this pipeline has no models; name their folder with `models:`");
    }
  }

  const refine::Graph& graph() const { return *engine_.graph; }
  query::Engine& engine() { return *engine_.engine; }
  catalog::Catalog& catalog() { return *opened_.lake.catalog; }
  /// The newest first; of all models when the name is empty.
  std::vector<refine::LoggedRun> Runs(const std::string& name, int64_t count) {
    return log_ ? log_->Newest(name, count) : std::vector<refine::LoggedRun>();
  }

 private:
  OpenedLake opened_;
  OpenedEngine engine_;
  const std::unique_ptr<refine::RunLog> log_;
};

json TimeOf(std::optional<Timestamp> time) { return time ? json(FormatTimestamp(*time)) : json(); }

ExitCode List(const Session& session) {
  OpenedModels models(session);
  refine::Scheduler scheduler(models.graph(), models.catalog());
  scheduler.Due();  // finds out when each is due
  Listing listing({{"model"}, {"materialized"}, {"schedule"}, {"next_run"}, {"last_run"}, {"outcome"}, {"made_of"}});
  for (const auto& node : models.graph().nodes()) {
    const auto name = catalog::ToString(node.model.name);
    const auto runs = models.Runs(name, 1);
    std::string made_of;
    for (const auto& input : node.names) made_of += (made_of.empty() ? "" : ", ") + catalog::ToString(input);
    listing.Add({name, WordOf(node.model.materialized), ScheduleOf(node.model),
                 TimeOf(scheduler.NextOf(node.model.name)), runs.empty() ? json() : TimeOf(runs[0].began),
                 runs.empty() ? json() : json(runs[0].outcome), made_of});
  }
  listing.Print(session.json, "there are no models: put SQL files below the folder that `models:` names");
  return ExitCode::kDone;
}

ExitCode History(const Session& session, const ModelsArguments& arguments) {
  OpenedModels models(session);
  std::string name;
  if (!arguments.name.empty()) name = catalog::ToString(refine::Select(models.graph(), {arguments.name}).at(0));
  Listing listing({{"began"},
                   {"model"},
                   {"outcome"},
                   {"seconds"},
                   {"rows"},
                   {"rows_dropped"},
                   {"files"},
                   {"bytes", Listing::Form::kBytes},
                   {"snapshot_id"},
                   {"why"}});
  for (const auto& run : models.Runs(name, arguments.rows)) {
    listing.Add({FormatTimestamp(run.began), run.model, run.outcome, fmt::format("{:.3f}", run.seconds), run.rows,
                 run.rows_dropped, run.files, run.bytes, run.snapshot_id ? json(*run.snapshot_id) : json(), run.why});
  }
  listing.Print(session.json, "no model has run yet");
  return ExitCode::kDone;
}

std::string Joined(const std::vector<std::string>& texts) { return fmt::format("{}", fmt::join(texts, ", ")); }

/// What its columns are, by the table where there is one, and by the header.
Listing ColumnsOf(const refine::Model& model, const std::optional<catalog::LoadedTable>& table) {
  Listing columns({{"column"}, {"type"}, {"doc"}, {"tests"}});
  const auto described = [&](const std::string& name) {
    return std::ranges::find_if(model.columns, [&](const auto& column) { return column.name == name; });
  };
  if (table) {
    for (const auto& field : table->metadata->schema().fields) {
      const auto found = described(field.name);
      columns.Add({field.name, schema::ToString(field.type), found == model.columns.end() ? field.doc : found->doc,
                   found == model.columns.end() ? "" : Joined(found->tests)});
    }
  }
  for (const auto& column : model.columns) {
    if (!table || table->metadata->schema().Find(column.name) == nullptr)
      columns.Add({column.name, json(), column.doc, Joined(column.tests)});
  }
  return columns;
}

ExitCode Describe(const Session& session, const ModelsArguments& arguments) {
  OpenedModels models(session);
  const auto* node = models.graph().Find(refine::Select(models.graph(), {arguments.name}).at(0));
  const auto& model = node->model;
  std::vector<std::string> made_of, expectations;
  for (const auto& input : node->names) made_of.push_back(catalog::ToString(input));
  for (const auto& found : model.expectations)
    expectations.push_back(fmt::format("{}: {}", found.condition, ToString(found.action)));
  for (const auto& found : model.table_expectations)
    expectations.push_back(fmt::format("{}: {}", found.text, found.fail ? "fail" : "warn"));
  nlohmann::ordered_json out = {{"model", catalog::ToString(model.name)},
                                {"description", model.description},
                                {"file", model.file.string()},
                                {"materialized", WordOf(model.materialized)},
                                {"over", model.over ? catalog::ToString(*model.over) : ""},
                                {"key", Joined(model.key)},
                                {"partition_by", Joined(model.partition_by)},
                                {"sort_by", Joined(model.sort_by)},
                                {"schedule", ScheduleOf(model)},
                                {"tags", Joined(model.tags)},
                                {"made_of", Joined(made_of)},
                                {"expect", expectations}};
  const auto columns = ColumnsOf(model, models.catalog().Load(model.name));
  if (session.json) {
    out["columns"] = nlohmann::ordered_json::parse(columns.AsJson());
    fmt::print("{}\n", out.dump(2));
    return ExitCode::kDone;
  }
  PrintFacts(out);
  for (const auto& expectation : expectations) fmt::print("expect           {}\n", expectation);
  fmt::print("\n{}", columns.AsTable());
  return ExitCode::kDone;
}

/// In the language of Graphviz.
void PrintDot(const refine::Graph& graph) {
  fmt::print("digraph models {{\n  rankdir=LR;\n  node [shape=box];\n");
  for (const auto& node : graph.nodes()) {
    const bool view = node.model.materialized == Materialized::kView;
    fmt::print("  \"{}\"{};\n", catalog::ToString(node.model.name), view ? " [style=dashed]" : "");
    for (const auto& input : node.names)
      fmt::print("  \"{}\" -> \"{}\";\n", catalog::ToString(input), catalog::ToString(node.model.name));
  }
  fmt::print("}}\n");
}

ExitCode ShowGraph(const Session& session, const ModelsArguments& arguments) {
  const OpenedModels models(session);
  if (arguments.dot) {
    PrintDot(models.graph());
    return ExitCode::kDone;
  }
  if (arguments.svg) {
    fmt::print("{}", PictureOf(models.graph()));
    return ExitCode::kDone;
  }
  Listing listing({{"from"}, {"to"}});
  for (const auto& node : models.graph().nodes()) {
    for (const auto& input : node.names) listing.Add({catalog::ToString(input), catalog::ToString(node.model.name)});
  }
  listing.Print(session.json, "no model is made of a table");
  return ExitCode::kDone;
}

/// The results of the last run of each model that has expectations, or of the last runs of one.
ExitCode Expectations(const Session& session, const ModelsArguments& arguments) {
  OpenedModels models(session);
  Listing listing({{"checked_at"},
                   {"model"},
                   {"expectation"},
                   {"severity"},
                   {"verdict"},
                   {"rows_checked"},
                   {"rows_broken"},
                   {"observed"},
                   {"run_id"}});
  std::string model;
  if (!arguments.name.empty()) model = catalog::ToString(refine::Select(models.graph(), {arguments.name}).at(0));
  for (auto& found : refine::NewestResults(models.catalog(), models.engine(), model, arguments.runs, {})) {
    listing.Add({FormatTimestamp(found.checked_at), found.model, found.expectation, found.severity, found.verdict,
                 found.rows_checked, found.rows_broken, found.observed.empty() ? json() : json(found.observed),
                 found.run_id});
  }
  listing.Print(session.json, "no expectation has been checked yet: `expect:` in a model's header lists them");
  return ExitCode::kDone;
}

}  // namespace

void AddModels(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<ModelsArguments>();
  auto* models = AddVerbGroup(root, "models", "Models: list, describe, history, expectations, graph");
  const auto finish = [&session](CLI::App* verb) {
    AddJsonOption(*verb, session);
    AddConfigOption(*verb, session);
  };
  finish(AddVerb(*models, session, "list", "Every model, when it runs next and what became of it last",
                 [&session] { return List(session); }));
  auto* history = AddVerb(
      *models, session, "history", "What became of runs, the newest first",
      [&session, arguments] { return History(session, *arguments); },
      "  millrace models history\n  millrace models history gold.by_day --rows 100");
  history->add_option("MODEL", arguments->name, "One model; all without");
  history->add_option("--rows", arguments->rows, "How many runs")->check(CLI::PositiveNumber)->capture_default_str();
  finish(history);
  auto* expectations = AddVerb(
      *models, session, "expectations", "What the last runs found of each expectation",
      [&session, arguments] { return Expectations(session, *arguments); },
      "  millrace models expectations\n  millrace models expectations gold.by_day --runs 7\n"
      "  millrace query \"FROM millrace.expectations WHERE verdict = 'broken'\"");
  expectations->add_option("MODEL", arguments->name, "One model; all without");
  expectations->add_option("--runs", arguments->runs, "Of how many runs a model")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  finish(expectations);
  auto* describe = AddVerb(
      *models, session, "describe", "What a model is, and what its columns mean and have to be",
      [&session, arguments] { return Describe(session, *arguments); }, "  millrace models describe gold.by_day");
  describe->add_option("MODEL", arguments->name, "Which one")->required();
  finish(describe);
  auto* graph = AddVerb(
      *models, session, "graph", "What is made of what",
      [&session, arguments] { return ShowGraph(session, *arguments); },
      "  millrace models graph\n  millrace models graph --svg > models.svg\n  millrace models graph --dot | dot -Tpdf "
      "> models.pdf");
  auto* dot = graph->add_flag("--dot", arguments->dot, "In the language of Graphviz");
  graph->add_flag("--svg", arguments->svg, "A picture for a browser")->excludes(dot);
  finish(graph);
}

}  // namespace millrace::app
