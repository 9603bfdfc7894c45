#include "app/engine_options.h"

#include <algorithm>
#include <thread>

namespace millrace::app {

int64_t EngineShare(const PipelineConfig& pipeline) { return pipeline.models ? pipeline.memory.bytes / 2 : 0; }

int64_t BufferShare(const PipelineConfig& pipeline) { return pipeline.memory.bytes - EngineShare(pipeline); }

/// A thread of the engine sorts and groups in this much without going under.
constexpr int64_t kBytesPerThread = int64_t{256} << 20;

query::EngineOptions EngineOptionsFor(const PipelineConfig& pipeline, int64_t memory_bytes,
                                      const DataDirectory& directory) {
  query::EngineOptions options;
  options.memory_bytes = memory_bytes;
  const auto cores = static_cast<int64_t>(std::thread::hardware_concurrency());
  options.threads =
      static_cast<int>(std::clamp<int64_t>(memory_bytes / kBytesPerThread, 1, std::max<int64_t>(1, cores)));
  options.spill_directory = (directory.path() / "spill").string();
  options.cache_directory = (directory.path() / "cache").string();
  options.cache_bytes_max = pipeline.lake.cache_size.bytes;
  return options;
}

query::SandboxOptions SandboxOptionsFor(const PipelineConfig& pipeline, const DataDirectory& directory) {
  const auto engine = EngineOptionsFor(pipeline, pipeline.query.memory.bytes, directory);
  return {.limits = {.memory_bytes = engine.memory_bytes,
                     .time_max = pipeline.query.timeout,
                     .rows_max = pipeline.query.rows,
                     .result_bytes_max = pipeline.query.result_size.bytes,
                     .threads = engine.threads},
          .cache_directory = engine.cache_directory,
          .cache_bytes_max = engine.cache_bytes_max};
}

}  // namespace millrace::app
