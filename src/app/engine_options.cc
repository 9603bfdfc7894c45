#include "app/engine_options.h"

namespace millrace::app {

query::EngineOptions EngineOptionsFor(const PipelineConfig& pipeline, const DataDirectory& directory) {
  query::EngineOptions options;
  options.memory_bytes = pipeline.memory.bytes / 2;
  options.spill_directory = (directory.path() / "spill").string();
  return options;
}

}  // namespace millrace::app
