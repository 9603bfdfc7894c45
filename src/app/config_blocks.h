#pragma once

#include "app/config_model.h"
#include "config/block.h"

namespace millrace::app {

/// The declarations of every option of a pipeline; each option stands in the .cc once.
const config::Block<PipelineConfig>& PipelineBlock();
const config::Block<GeneratorConfig>& GeneratorBlock();
const config::Block<FileSourceConfig>& FileSourceBlock();
const config::Block<TopicConfig>& TopicBlock();
const config::Block<StreamConfig>& StreamBlock();

}  // namespace millrace::app
