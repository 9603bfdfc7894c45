#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "config/block.h"

namespace millrace::config {

/// Every option below `root`, as a Markdown page with one table a block.
std::string ReferenceMarkdown(const BlockInfo& root, const std::string& title);

/// JSON Schema (draft 2020-12) for editors.
nlohmann::json JsonSchema(const BlockInfo& root, const std::string& title);

}  // namespace millrace::config
