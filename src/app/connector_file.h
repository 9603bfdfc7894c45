#pragma once

#include <string>

#include "base/error.h"

namespace millrace::app {

/// Reads a connector of Kafka Connect from a file and prints the YAML that it becomes; that is checked as a file of
/// that text would be, but for what it takes from other files. The values of its passwords go to `secrets`, a new file
/// that its owner alone reads; empty: they go nowhere. Error kConfig with every mistake.
ExitCode CheckConnector(const std::string& path, const std::string& secrets);

}  // namespace millrace::app
