#pragma once

#include <string>

#include "config/node.h"
#include "config/problems.h"

namespace millrace::config {

/// One YAML document as a tree. Duplicate keys and syntax errors are added to `problems`; what could be read is
/// returned. Aliases are copies, limited so that a small text cannot become a huge tree.
Node ParseYaml(const std::string& text, const std::string& file, Problems& problems);

}  // namespace millrace::config
