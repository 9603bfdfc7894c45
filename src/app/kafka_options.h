#pragma once

#include "app/config_model.h"
#include "stream/kafka/kafka_options.h"

namespace millrace::app {

/// Configuration in, options of the component out.
stream::KafkaOptions KafkaOptionsFor(const KafkaConfig& config);

}  // namespace millrace::app
