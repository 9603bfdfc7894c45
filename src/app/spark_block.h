#pragma once

#include <optional>

#include "app/config_model.h"
#include "config/block.h"
#include "query/spark/spark_session.h"

namespace millrace::app {

/// `spark:`, and the server that it names; nullopt when the pipeline has none.
const config::Block<SparkConfig>& SparkBlock();
std::optional<query::SparkServer> SparkServerOf(const PipelineConfig& pipeline);

/// What of it goes with the rest of the pipeline.
void CheckSparkOfPipeline(const PipelineConfig& pipeline, config::ParseContext& context);

}  // namespace millrace::app
