#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/vfs_file.h"
#include "stream/embedded/journal_entry.h"

namespace millrace::stream {

using io::VfsFile;

/// The files of the journal: `<name of stream.db>.segments/0000000001.seg` and on, beside stream.db.
class SegmentFolder {
 public:
  /// Makes the folder when it is not there.
  SegmentFolder(const std::filesystem::path& stream_db, std::string vfs);

  std::filesystem::path PathOf(int64_t segment) const;
  std::unique_ptr<VfsFile> Open(int64_t segment, VfsFile::Mode mode) const;
  bool Has(int64_t segment) const { return VfsFile::Exists(PathOf(segment), vfs_); }
  void Remove(int64_t segment) const { VfsFile::Remove(PathOf(segment), vfs_); }
  /// Of the files that are there, in no order.
  std::vector<int64_t> List() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::string vfs_;
};

/// An entry as it lies in a segment.
struct ReadEntry {
  JournalHeader header;
  JournalMeta meta;
  int64_t payload_at = 0;
};

/// The entry at `at`; nullopt when there is none that is whole up to its payloads, which are not looked at.
std::optional<ReadEntry> EntryAt(const VfsFile& file, int64_t at);

/// Payloads for readers, from a few files kept open. One thread at a time.
class PayloadReader {
 public:
  explicit PayloadReader(const SegmentFolder& folder) : folder_(folder) {}

  /// Valid until the next call. Error when the file or a part of it is not there, which retention may be the cause of.
  std::string_view Read(int64_t segment, int64_t at, size_t bytes);

 private:
  const SegmentFolder& folder_;
  std::map<int64_t, std::unique_ptr<VfsFile>> files_;
  std::string room_;
};

}  // namespace millrace::stream
