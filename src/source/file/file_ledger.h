#pragma once

#include <optional>
#include <string>
#include <vector>

#include "event/position.h"
#include "source/file/file_finder.h"
#include "source/file/file_identity.h"
#include "source/file/file_options.h"

namespace millrace::source {

/// Which split a file on disk is, and from where it is to be read.
struct KnownFile {
  FileSplit split;
  FileCursor cursor;
};

/// Finds in files the splits that were read before. A file is the split first seen at its path if it begins with the
/// same bytes; else one that begins with the same (at least 256) bytes and is no longer where it was first seen: it was
/// renamed. What is neither is new. A file that became shorter than what was read of it was cut to begin again: it is
/// a new incarnation, read from its start. Single-threaded.
class FileLedger {
 public:
  FileLedger() = default;
  /// Splits of other sources are left alone.
  FileLedger(const event::Positions& positions, Compression compression);

  /// One answer a file; nullopt for one that is empty or gone. Error kStop when a file was changed before the place up
  /// to which it was read.
  std::vector<std::optional<KnownFile>> Resolve(const std::vector<FoundFile>& files);

  /// A split that is no longer read, with the place that was reached.
  void Retire(const KnownFile& file);

 private:
  struct Entry {
    KnownFile file;
    bool taken = false;  // some file is this split already, or a later incarnation is
  };

  void Add(KnownFile file);
  std::optional<KnownFile> ByPath(const FoundFile& file, std::string_view head);
  std::optional<KnownFile> ByContent(const FoundFile& file, std::string_view head);

  std::vector<Entry> entries_;
  Compression compression_ = Compression::kAuto;
};

}  // namespace millrace::source
