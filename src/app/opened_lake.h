#pragma once

#include <memory>
#include <optional>

#include "app/lake.h"
#include "app/refinery.h"
#include "app/session.h"
#include "query/engine.h"
#include "refine/schedule/run_log.h"

namespace millrace::app {

/// What verbs that only look need: the pipeline, its data directory and its lake, open for reading.
struct OpenedLake {
  PipelineConfig pipeline;
  DataDirectory directory;
  Lake lake;
};

OpenedLake OpenLakeOf(const Session& session);

/// A SQL engine over it that knows the views among the pipeline's models.
struct OpenedEngine {
  std::unique_ptr<query::Engine> engine;
  std::optional<refine::Graph> graph;  // absent: the pipeline has no models
  query::QueryOptions options;
};

OpenedEngine OpenEngineOver(const OpenedLake& opened, std::optional<refine::ModelEngine> engine = std::nullopt);

/// What became of runs; null when none has been, as who only looks makes no file.
std::unique_ptr<refine::RunLog> OpenRunLogToRead(const DataDirectory& directory);

}  // namespace millrace::app
