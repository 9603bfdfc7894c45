#pragma once

#include "app/config_model.h"
#include "config/block.h"

namespace millrace::app {

/// The declarations of the options of a Kafka stream.
const config::Block<KafkaConfig>& KafkaBlock();

}  // namespace millrace::app
