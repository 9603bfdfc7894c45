#pragma once

#include <filesystem>
#include <string>

#include "judge/python.h"
#include "services/service.h"
#include "stream/kafka/kafka_options.h"

namespace millrace::services {

/// One broker for all tests of a program, on loopback.
class KafkaBroker {
 public:
  static const std::string& Address() {
    static const judge::Folder folder;
    static const Service broker("kafka.py", {"serve", folder.File("kafka")});
    return broker.address();
  }

  /// Groups and internal topics of a test are its own.
  static stream::KafkaOptions NewOptions() {
    static int made = 0;
    stream::KafkaOptions options;
    options.brokers = Address();
    options.group_prefix = "test" + std::to_string(++made) + ".";
    options.session_timeout = std::chrono::seconds(6);
    options.revoke_patience = std::chrono::seconds(5);
    options.refresh = std::chrono::seconds(1);
    options.timeout = std::chrono::seconds(10);
    return options;
  }
};

}  // namespace millrace::services
