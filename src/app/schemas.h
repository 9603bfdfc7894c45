#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config_model.h"
#include "app/data_directory.h"
#include "schema/registry/client.h"
#include "schema/registry/registry.h"
#include "schema/registry/store.h"

namespace millrace::app {

/// The text of a schema in a file. Error kConfig when it cannot be read.
std::string ReadSchemaFile(const std::string& path);

/// The registry at an address that was given beside the configuration. The secrets of the configured one go along only
/// where all that `url` names is at an address that it has too. Error kUsage when `url` is no address.
SchemaRegistryConfig RegistryAt(const std::string& url, const std::optional<SchemaRegistryConfig>& configured);

schema::RegistryClientOptions RegistryClientOptionsFor(const SchemaRegistryConfig& registry);

/// The built-in registry, in the data directory.
std::shared_ptr<schema::RegistryStore> OpenRegistryStore(const DataDirectory& directory);

/// The registry that the pipeline's messages name their schemas by.
std::shared_ptr<schema::SchemaRegistry> OpenSchemaRegistry(const PipelineConfig& pipeline,
                                                           const DataDirectory& directory);

/// What the decoders of one table ask; null when its format names none.
std::shared_ptr<schema::SchemaLookup> SchemasOf(const PipelineConfig& pipeline, const TableConfig& table,
                                                const DataDirectory& directory);

}  // namespace millrace::app
