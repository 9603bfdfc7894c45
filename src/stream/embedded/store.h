#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "stream/embedded/sqlite.h"

namespace millrace::stream {

/// Opens stream.db, made on first use. Error kStop when the file is newer than this program, or not a stream.
std::unique_ptr<Connection> OpenStore(const std::filesystem::path& path, const std::string& vfs);

/// Of a new file. A commit writes whole pages, some three for a single append, and payloads lie elsewhere.
inline constexpr int64_t kPageBytes = 4'096;

/// Where a batch lies: the row id of the `batch` table, partition id in the high bits and base offset in the low ones,
/// so that a partition is one range of one B-tree. Frozen.
inline constexpr int kOffsetBits = 40;
inline constexpr int64_t kOffsetMax = (int64_t{1} << kOffsetBits) - 1;
inline constexpr int64_t kPartMax = (int64_t{1} << (63 - kOffsetBits)) - 2;
inline constexpr int64_t PlaceOf(int64_t part, int64_t offset) { return (part << kOffsetBits) | offset; }
inline constexpr int64_t OffsetAt(int64_t place) { return place & kOffsetMax; }

}  // namespace millrace::stream
