#pragma once

#include <memory>

#include "connect/plugin.h"

namespace millrace::connect {

/// Apache Kafka's own example of a source: lines of a file into a topic.
std::unique_ptr<Plugin> MakeFileSource();

}  // namespace millrace::connect
