#pragma once

#include "app/config_model.h"
#include "config/block.h"

namespace millrace::app {

/// The options that say how messages name their schemas, and where those are.
const config::Block<AvroConfig>& AvroBlock();
const config::Block<ProtobufConfig>& ProtobufBlock();
const config::Block<SchemaRegistryConfig>& SchemaRegistryBlock();

}  // namespace millrace::app
