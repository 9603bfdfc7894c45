#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "app/config_model.h"
#include "app/data_directory.h"
#include "base/byte_budget.h"
#include "event/stream.h"

namespace millrace::app {

/// What the readers of a pipeline's stream hold outside of the budget, in queues of a client library.
int64_t StreamShare(const PipelineConfig& pipeline);
/// The same of what is added to it later: `added` is the pipeline's own with other tables and documents.
int64_t ReaderShare(const PipelineConfig& pipeline, const PipelineConfig& added);

/// The stream of a pipeline: embedded in its data directory, or a cluster. `budget` may be null; else it outlives the
/// stream. Error kUnavailable when no broker answers.
std::unique_ptr<event::Stream> OpenStream(const PipelineConfig& pipeline, const DataDirectory& directory,
                                          ByteBudget* budget = nullptr);

/// Makes the topics of a pipeline. Those that a cluster has already are left as they are.
void EnsureTopics(const PipelineConfig& pipeline, event::Stream& stream);

/// A stream that verbs open by itself. A cluster needs no data directory.
struct OpenedStream {
  std::optional<DataDirectory> directory;
  std::unique_ptr<event::Stream> stream;
};
enum class StreamUse { kLook, kAppend, kDelete };

/// Error kUnavailable when there is nothing to look at yet, or somebody else uses what is to be deleted from.
OpenedStream OpenStreamFor(StreamUse use, const PipelineConfig& pipeline);

/// For looking at tables, where knowing the stream is a help: null when it was never made, or does not answer, which is
/// said on stderr.
std::unique_ptr<event::Stream> OpenStreamIfThere(const PipelineConfig& pipeline, const DataDirectory& directory);

}  // namespace millrace::app
