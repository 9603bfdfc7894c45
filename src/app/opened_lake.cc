#include "app/opened_lake.h"

#include <filesystem>

#include "app/engine_options.h"
#include "app/load_config.h"
#include "app/model_files.h"
#include "refine/graph.h"

namespace millrace::app {

OpenedLake OpenLakeOf(const Session& session) {
  auto pipeline = LoadConfigOrDefaults(session.config_paths);
  auto directory = DataDirectory::OpenToRead(pipeline.data_dir.value);
  auto lake = OpenLakeToRead(pipeline, directory);
  return {std::move(pipeline), std::move(directory), std::move(lake)};
}

OpenedEngine OpenEngineOver(const OpenedLake& opened, std::optional<refine::ModelEngine> engine) {
  OpenedEngine made;
  made.engine = std::make_unique<query::Engine>(
      *opened.lake.catalog, EngineOptionsFor(opened.pipeline, opened.pipeline.memory.bytes, opened.directory));
  if (opened.pipeline.models) {
    made.graph.emplace(ModelsOf(opened.pipeline, engine), *made.engine);
    made.options.views = made.graph->views();
  }
  return made;
}

std::unique_ptr<refine::RunLog> OpenRunLogToRead(const DataDirectory& directory) {
  const auto file = directory.state();
  return std::filesystem::exists(file) ? std::make_unique<refine::RunLog>(file) : nullptr;
}

}  // namespace millrace::app
