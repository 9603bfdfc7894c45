#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "app/config_blocks.h"
#include "app/metric_list.h"
#include "app/verbs.h"
#include "config/describe.h"
#include "connect/migrate_page.h"

namespace millrace::app {

void AddDocs(CLI::App& root, Session& session) {
  auto* docs =
      AddVerbGroup(root, "docs", "Reference of the configuration and of metrics, and a JSON Schema for editors");
  AddVerb(
      *docs, session, "reference", "Every option of a configuration, as Markdown",
      [] {
        fmt::print("{}", config::ReferenceMarkdown(*PipelineBlock().info(), "Configuration of millrace"));
        return ExitCode::kDone;
      },
      "  millrace docs reference | less");
  AddVerb(
      *docs, session, "metrics", "Every metric that a pipeline shows at /metrics, as Markdown",
      [] {
        fmt::print("{}", MetricsMarkdown());
        return ExitCode::kDone;
      },
      "  millrace docs metrics | less");
  AddVerb(
      *docs, session, "migrate", "What becomes of every property of Kafka Connect's connectors, as Markdown",
      [] {
        fmt::print("{}", connect::MigratePage());
        return ExitCode::kDone;
      },
      "  millrace docs migrate | less");
  AddVerb(
      *docs, session, "schema", "JSON Schema of a configuration, for editors",
      [] {
        fmt::print("{}\n", config::JsonSchema(*PipelineBlock().info(), "Millrace pipeline").dump(2));
        return ExitCode::kDone;
      },
      "  millrace docs schema > millrace.schema.json\n"
      "  # first line of millrace.yaml, for editors with a YAML language server:\n"
      "  # yaml-language-server: $schema=millrace.schema.json");
}

}  // namespace millrace::app
