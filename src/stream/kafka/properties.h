#pragma once

#include <string>
#include <utility>
#include <vector>

#include "stream/kafka/kafka_options.h"

namespace millrace::stream {

using Properties = std::vector<std::pair<std::string, std::string>>;

/// Throws Error kConfig unless users may set this property of librdkafka. The list names what is allowed: nothing that
/// runs a command, loads a library, reads or writes a file, holds a secret, or that exactly-once rests on.
void CheckKafkaProperty(const std::string& name);
/// Whether a property means something to a handle of that kind.
bool IsForConsumers(const std::string& name);
bool IsForProducers(const std::string& name);

/// How brokers are reached.
Properties ConnectionProperties(const KafkaOptions& options);

}  // namespace millrace::stream
