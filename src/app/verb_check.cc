#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>

#include "app/connector_file.h"
#include "app/load_config.h"
#include "app/model_files.h"
#include "app/plan.h"
#include "app/verbs.h"

namespace millrace::app {

namespace {

bool AppendsFromSources(const PipelineConfig& pipeline) {
  return std::ranges::any_of(
      pipeline.sources, [](const auto& source) { return !source.second.topic.empty() || source.second.http_ingest; });
}

struct CheckArguments {
  std::string connector;
  std::string secrets;
};

}  // namespace

void AddCheck(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<CheckArguments>();
  auto* verb = AddVerb(
      root, session, "check", "Validate a configuration without running it",
      [&session, arguments] {
        if (!arguments->connector.empty()) return CheckConnector(arguments->connector, arguments->secrets);
        const auto pipeline = LoadConfig(session.config_paths);
        const size_t models = ModelsOf(pipeline).size();
        fmt::print("{}: good: {} sources, {} topics, {} tables, {} models{}\n", pipeline.name, pipeline.sources.size(),
                   TopicsOf(pipeline).size(), pipeline.tables.size(), models,
                   pipeline.documents.empty() ? "" : fmt::format(", {} documents", pipeline.documents.size()));
        if (pipeline.stream.kinesis && AppendsFromSources(pipeline)) {
          fmt::print(
              "what sources append to Kinesis is there at least once: after a crash some of it may come twice; "
              "give the tables a `key` (docs/kinesis.md)\n");
        }
        return ExitCode::kDone;
      },
      "  millrace check\n  millrace check -c examples/github/millrace.yaml\n"
      "  millrace check --connector s3-sink.json > s3-sink.yaml");
  AddConfigOption(*verb, session);
  auto* connector = verb->add_option("--connector", arguments->connector,
                                     "A connector of Kafka Connect, .json or .properties, instead: says what is wrong "
                                     "with it and prints the YAML it becomes (docs/migrate.md)");
  verb->add_option("--secrets", arguments->secrets,
                   "A new file for the values of its passwords, NAME=value, as .env beside the YAML has them")
      ->needs(connector);
}

}  // namespace millrace::app
