#pragma once

#include <memory>
#include <string>

#include "app/config_model.h"
#include "base/byte_budget.h"
#include "config/block.h"
#include "event/sink.h"
#include "event/source.h"

namespace millrace::document {
class DocumentStore;
struct MongoStoreOptions;
}  // namespace millrace::document

namespace millrace::app {

/// `documents:` of the configuration.
const config::Block<DocumentsConfig>& DocumentsBlock();

/// `mongodb:` of a source, and the source.
const config::Block<MongoSourceConfig>& MongoSourceBlock();
/// What `changes` does not go with.
void CheckMongoSource(const SourceConfig& source, const std::string& path, config::ParseContext& context);
std::unique_ptr<event::Source> MakeMongoSource(const std::string& name, const MongoSourceConfig& config, bool ends);

/// The document store that is configured, and what it is reached by where that is MongoDB.
std::unique_ptr<document::DocumentStore> MakeDocumentStore(const PipelineConfig& pipeline, const std::string& name,
                                                           const DocumentsConfig& documents);
document::MongoStoreOptions MongoStoreOptionsFor(const PipelineConfig& pipeline, const std::string& name,
                                                 const MongoDbConfig& config);

/// What puts records into the document store that is configured. `budget` outlives it.
std::shared_ptr<event::Sink> MakeDocumentSink(const PipelineConfig& pipeline, const std::string& name,
                                              const DocumentsConfig& documents, ByteBudget& budget);

}  // namespace millrace::app
