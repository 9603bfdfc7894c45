#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "app/graph_picture.h"
#include "app/model_facts.h"
#include "app/opened_lake.h"
#include "app/verbs.h"
#include "refine/expectation_results.h"
#include "refine/selection.h"

namespace millrace::app {
namespace {

using refine::Materialized;

struct ModelsArguments {
  std::string name;
  int64_t rows = 20;
  int64_t runs = 1;
  bool dot = false;
  bool svg = false;
};

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
  /// Null when nothing has run.
  refine::RunLog* log() { return log_.get(); }

 private:
  OpenedLake opened_;
  OpenedEngine engine_;
  const std::unique_ptr<refine::RunLog> log_;
};

ExitCode List(const Session& session) {
  OpenedModels models(session);
  ModelListing(models.graph(), models.catalog(), models.log())
      .Print(session.json, "there are no models: put SQL files below the folder that `models:` names");
  return ExitCode::kDone;
}

ExitCode History(const Session& session, const ModelsArguments& arguments) {
  OpenedModels models(session);
  std::string name;
  if (!arguments.name.empty()) name = catalog::ToString(refine::Select(models.graph(), {arguments.name}).at(0));
  RunListing(models.log(), name, arguments.rows).Print(session.json, "no model has run yet");
  return ExitCode::kDone;
}

ExitCode Describe(const Session& session, const ModelsArguments& arguments) {
  OpenedModels models(session);
  const auto* node = models.graph().Find(refine::Select(models.graph(), {arguments.name}).at(0));
  auto out = DescribeModel(*node, models.catalog());
  const auto columns = ModelColumns(node->model, models.catalog());
  if (session.json) {
    out["columns"] = nlohmann::ordered_json::parse(columns.AsJson());
    fmt::print("{}\n", out.dump(2));
    return ExitCode::kDone;
  }
  PrintFacts(out);
  for (const auto& expectation : out["expect"]) fmt::print("expect           {}\n", expectation.get<std::string>());
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
  std::string model;
  if (!arguments.name.empty()) model = catalog::ToString(refine::Select(models.graph(), {arguments.name}).at(0));
  ExpectationListing(refine::NewestResults(models.catalog(), models.engine(), model, arguments.runs, {}))
      .Print(session.json, "no expectation has been checked yet: `expect:` in a model's header lists them");
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
