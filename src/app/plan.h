#pragma once

#include <string>
#include <vector>

#include "app/config_model.h"
#include "event/stream.h"

namespace millrace::app {

event::TopicSpec SpecOf(const std::string& name, const TopicConfig& topic);

/// Every topic of a pipeline: those under `topics`, and those that sources only name.
std::vector<event::TopicSpec> TopicsOf(const PipelineConfig& pipeline);

/// What reads for documents as what reads for a table does: its name, and where from, how soon.
std::string FeedName(const std::string& documents);
TableConfig FeedOf(const std::string& name, const DocumentsConfig& documents);

/// Whether a table takes from a topic; otherwise it takes from a source directly.
bool FromTopic(const PipelineConfig& pipeline, const TableConfig& table);

}  // namespace millrace::app
