#pragma once

#include <cstdint>
#include <filesystem>

#include "io/sqlite.h"

namespace millrace::io {

/// Refuses a file of ours whose layout (PRAGMA user_version) is newer than `known`, before anything of it is read or
/// written; one that has none yet, new or from before there were versions, gets `known`. Error kStop.
void EnsureLayout(Connection& connection, const std::filesystem::path& file, int64_t known);

}  // namespace millrace::io
