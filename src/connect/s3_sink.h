#pragma once

#include <memory>

#include "connect/plugin.h"

namespace millrace::connect {

/// Confluent's sink of S3: a table of plain files a topic, with the names of folders and files that it gives them.
std::unique_ptr<Plugin> MakeS3Sink();

}  // namespace millrace::connect
