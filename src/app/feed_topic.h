#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "app/config_model.h"
#include "base/error.h"
#include "event/source.h"

namespace millrace::app {

/// Appends everything a source has to one topic of the pipeline's stream, making the topic unless it is there, and says
/// how much that was.
ExitCode FeedTopic(const PipelineConfig& pipeline, std::unique_ptr<event::Source> source, const std::string& topic,
                   std::optional<int64_t> rows_max);

}  // namespace millrace::app
