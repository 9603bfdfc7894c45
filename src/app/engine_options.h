#pragma once

#include "app/config_model.h"
#include "app/data_directory.h"
#include "query/engine.h"

namespace millrace::app {

/// Half of the pipeline's memory, the rest spilled below the data directory.
query::EngineOptions EngineOptionsFor(const PipelineConfig& pipeline, const DataDirectory& directory);

}  // namespace millrace::app
