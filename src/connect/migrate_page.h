#pragma once

#include <string>

namespace millrace::connect {

/// docs/migrate.md: every class, property by property, as Markdown.
std::string MigratePage();

}  // namespace millrace::connect
