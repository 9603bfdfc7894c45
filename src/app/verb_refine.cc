#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "app/engine_options.h"
#include "app/load_config.h"
#include "app/refinery.h"
#include "app/signal_stop.h"
#include "app/verbs.h"
#include "refine/selection.h"

namespace millrace::app {
namespace {

struct RefineArguments {
  std::vector<std::string> models;
  bool full_refresh = false;
};

ExitCode Refine(const Session& session, const RefineArguments& arguments) {
  const SignalStop stop;
  const auto pipeline = LoadConfig(session.config_paths);
  const auto directory = DataDirectory::OpenToWrite(pipeline.data_dir.value);
  auto lake = OpenLake(pipeline, directory);
  ByteBudget budget(BufferShare(pipeline));
  const auto refinery = Refinery::Open(pipeline, directory, lake, budget);
  if (!refinery) {
    throw Error(ErrorCode::kConfig, "this pipeline has no models; name their folder with `models:`");
  }
  const auto names = refine::Select(refinery->graph(), arguments.models);
  refine::RunOptions options;
  options.full_refresh = arguments.full_refresh;
  const auto reports = refinery->Run(names, options, stop.token(), true);
  return AnyFailed(reports) || stop.signalled() ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace

void AddRefine(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<RefineArguments>();
  auto* verb = AddVerb(
      root, session, "refine", "Run models: tables made from tables by SQL",
      [&session, arguments] { return Refine(session, *arguments); },
      "  millrace refine\n  millrace refine gold.events --full-refresh\n"
      "  millrace refine +gold.by_day        and what it is made of\n"
      "  millrace refine tag:daily silver.events+   those of a tag; one, and what is made of it");
  verb->add_option("MODEL", arguments->models, "Models to run, and no others; all without");
  verb->add_flag("--full-refresh", arguments->full_refresh, "Rebuild from all rows, whatever has changed");
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
