#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "event/position.h"

namespace millrace::source {

/// Which file a split is: by the hash of its first bytes (as many as there were when it was first seen, at most
/// 64 KiB), so that it stays the same file when it grows or gets another name, on whatever disk; and by the path where
/// it was first seen, so that two files that begin alike are two. Written as
///
///     file:<bytes hashed>-<xxh3 of them, 16 hex digits>[.<incarnation>]:<path>      frozen
///
/// where the incarnation counts from 2 on when a file was cut and began again with the same bytes.
struct FileSplit {
  int64_t head_bytes = 0;
  uint64_t head_hash = 0;
  int incarnation = 1;
  std::string path;
  friend bool operator==(const FileSplit&, const FileSplit&) = default;
};

inline constexpr int64_t kHeadBytesMax = int64_t{64} << 10;

event::SplitId Print(const FileSplit& split);
/// nullopt for a split of another kind of source. Error kStop when it begins as one of ours and is none.
std::optional<FileSplit> ParseFileSplit(const event::SplitId& id);

/// A place in a file: bytes after decompression, with the hash of the (at most 1,024) bytes before it, by which a file
/// that was changed there is found out. Written as
///
///     <offset>-<xxh3, 16 hex digits>[-cut<file size>]      frozen
///
/// "cut": compressed data broke off when the file had that size, and the record that says so was handed out. At the
/// start of a file it is event::kStart.
struct FileCursor {
  int64_t offset = 0;
  uint64_t tail_hash = 0;
  std::optional<int64_t> cut_at_size;
  friend bool operator==(const FileCursor&, const FileCursor&) = default;
};

inline constexpr size_t kTailBytesMax = 1024;

event::Cursor Print(const FileCursor& cursor);
/// Error kStop when it is no cursor of ours.
FileCursor ParseFileCursor(const event::Cursor& cursor);

uint64_t HashOf(std::string_view bytes);

}  // namespace millrace::source
