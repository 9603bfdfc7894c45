#pragma once

#include <memory>
#include <optional>
#include <string>

#include "event/event_batch.h"
#include "source/file/file_ledger.h"
#include "source/file/file_reader.h"

namespace millrace::source {

/// One file that is being read: open, known, with the place reached. Not movable: its parts point to each other.
class FileInProgress {
 public:
  /// Null when the file is gone. Error kStop when a compressed one is shorter than what was read of it.
  static std::unique_ptr<FileInProgress> Open(const FoundFile& found, const KnownFile& known,
                                              const FileSourceOptions& options);
  FileInProgress(const FileInProgress&) = delete;
  FileInProgress& operator=(const FileInProgress&) = delete;

  /// As FileReader::Next; without name and time, which are the source's to give.
  std::shared_ptr<event::EventBatch> Next(size_t bytes_max, bool final);

  /// What became of the file since it was last read to its end. For a file that is followed.
  enum class Change {
    kNone,
    kGrown,
    kCutShort,  // it is shorter than what was read, or begins with other bytes
  };
  /// Error kStop when its start is the same, but not what comes before the place reached.
  Change LookAgain();

  /// FileChunk::objects of the last Next.
  bool objects() const { return objects_; }
  /// The last Next found nothing.
  bool drained() const { return drained_; }
  bool Is(const FoundFile& found) const { return found.SameAs(device_, inode_); }
  /// No name is left for it anywhere.
  bool Deleted() const;
  /// It got another name.
  void Rename(const std::string& path) { file_.path = path; }
  const std::string& path() const { return file_.path; }
  KnownFile known() const { return known_; }
  int64_t raw_bytes_left() const;

 private:
  FileInProgress() = default;

  OpenFile file_;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
  KnownFile known_;
  event::SplitId id_;
  std::unique_ptr<const FileLayout> layout_;
  std::unique_ptr<FileReader> reader_;
  bool drained_ = false;
  bool objects_ = false;
};

}  // namespace millrace::source
