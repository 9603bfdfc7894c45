#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/opened_lake.h"
#include "document/document_store.h"
#include "event/stream.h"

namespace millrace::app {

/// Where one table stands in one split of what it is made from.
struct TablePosition {
  std::string table;
  std::string origin;                // topic, or source, or a table that a model reads
  std::optional<int32_t> partition;  // of a topic
  std::string position;              // the cursor after the last landed record
  std::optional<int64_t> lag;        // records of the topic that have not landed
};

/// Of every table of the pipeline, from the tables themselves; partitions of topics that nothing was landed from yet
/// are told as well. `stream` may be null.
std::vector<TablePosition> ReadTablePositions(OpenedLake& opened, event::Stream* stream);

/// The same of a document sink of the pipeline, from its store, which is asked; it is called as FeedName has it.
/// Nothing is made in the store. Error kUnavailable when it does not answer.
std::vector<TablePosition> ReadDocumentPositions(OpenedLake& opened, const std::string& documents,
                                                 event::Stream* stream);

/// The document store of a pipeline for those who only look and say where it goes on.
std::unique_ptr<document::DocumentStore> DocumentStoreOf(const PipelineConfig& pipeline, const std::string& documents);

}  // namespace millrace::app
