#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <stop_token>

#include "app/progress.h"
#include "event/source.h"

namespace millrace::app {

/// Copies the records of a source to a C stream, one a line, until it ends, is stopped, or the reader of a pipe has
/// gone. Returns how many. Error kStop when the file cannot be written.
int64_t PrintEvents(event::Source& source, std::FILE* out, Progress& progress, std::optional<int64_t> expected,
                    std::stop_token stop);

}  // namespace millrace::app
