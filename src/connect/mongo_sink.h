#pragma once

#include <memory>

#include "connect/plugin.h"

namespace millrace::connect {

/// MongoDB's own sink: a block of `documents:` a topic.
std::unique_ptr<Plugin> MakeMongoSink();

}  // namespace millrace::connect
