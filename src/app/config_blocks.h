#pragma once

#include "app/config_model.h"
#include "config/block.h"

namespace millrace::app {

/// The declarations of every option of a pipeline; each option stands in the .cc once.
const config::Block<PipelineConfig>& PipelineBlock();
/// What of them a connector may bring along: sources, tables, documents, their topics, and where its tables lie.
const config::Block<PipelineConfig>& ConnectorBlock();
const config::Block<TableConfig>& TableBlock();
const config::Block<GeneratorConfig>& GeneratorBlock();
const config::Block<FileSourceConfig>& FileSourceBlock();
const config::Block<TopicConfig>& TopicBlock();
const config::Block<StreamConfig>& StreamBlock();

}  // namespace millrace::app
