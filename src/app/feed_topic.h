#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config_model.h"
#include "base/error.h"
#include "event/record_headers.h"
#include "event/source.h"

namespace millrace::app {

struct FeedOptions {
  std::string topic;
  std::optional<int64_t> rows_max = std::nullopt;
  std::optional<int64_t> rate = std::nullopt;  // messages a second
  /// Of every message; a header may have no value.
  event::HeaderList headers = {};
  /// Makes messages of what the source gives; absent: they are it.
  std::function<event::EventBatchPtr(const event::EventBatchPtr&)> make = {};
};

/// Appends everything a source has to one topic of the pipeline's stream, making the topic unless it is there, and says
/// how much that was.
ExitCode FeedTopic(const PipelineConfig& pipeline, std::unique_ptr<event::Source> source, const FeedOptions& options);

}  // namespace millrace::app
