#pragma once

#include <cstdint>

#include "app/config_model.h"
#include "app/data_directory.h"
#include "query/engine.h"
#include "query/sandbox/sandbox.h"

namespace millrace::app {

/// How a pipeline's memory is shared out while it runs: half to the engine of its models, when it has any, and the
/// rest to what is buffered.
int64_t EngineShare(const PipelineConfig& pipeline);
int64_t BufferShare(const PipelineConfig& pipeline);

/// An engine that takes `memory_bytes`, spills the rest below the data directory and keeps copies of a bucket's files
/// there.
query::EngineOptions EngineOptionsFor(const PipelineConfig& pipeline, int64_t memory_bytes,
                                      const DataDirectory& directory);

/// Limits of SQL from outside, and where copies of a bucket's files are kept for it.
query::SandboxOptions SandboxOptionsFor(const PipelineConfig& pipeline, const DataDirectory& directory);

}  // namespace millrace::app
