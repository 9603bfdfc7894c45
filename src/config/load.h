#pragma once

#include <string>
#include <vector>

#include "config/environment.h"
#include "config/node.h"
#include "config/problems.h"

namespace millrace::config {

/// Reads configuration files, in order, as one tree: a folder stands for its *.yaml and *.yml by name; where two
/// files give the same key the later wins. `.env` beside each file is read into `environment`, then variables are
/// replaced. Error kConfig when a file cannot be read.
Node LoadFiles(const std::vector<std::string>& paths, Environment& environment, Problems& problems);

}  // namespace millrace::config
