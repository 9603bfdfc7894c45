#pragma once

#include <string>

namespace millrace::app {

/// "librdkafka 2.11.0, DuckDB v1.3.2, ...": of the libraries that this process runs with.
std::string LibraryVersions();

}  // namespace millrace::app
