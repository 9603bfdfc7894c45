#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "event/event_batch.h"
#include "land/files_json_line.h"
#include "land/files_path.h"
#include "land/files_plan.h"
#include "land/land_events.h"

namespace millrace::land {

/// A chunk that is ready: what the plan says and the bytes it stands for.
struct SealedChunk {
  FilesPlan plan;
  std::vector<std::string> contents;  // of plan.objects
};

/// The objects of one chunk of one split in the making, in memory. Their bytes and keys are a function of the records
/// and the encoding, however the records were cut into batches. Single-threaded.
class FilesChunk {
 public:
  struct Added {
    uint64_t rows = 0;
    uint64_t blank = 0;
    std::vector<event::Reject> rejects;  // they are in the chunk when it keeps them
  };

  FilesChunk(std::string pipeline, FilesEncoding encoding, event::Cursor begin);

  /// The records [first, last) of a batch; the chunk's split is that of its first batch.
  Added Add(const event::EventBatch& events, size_t first, size_t last);

  /// Whether what is no JSON goes to files of its own.
  bool keeps_rejects() const { return error_path_.has_value(); }
  bool empty() const { return plan_.records == 0; }
  /// Whether a file has all the rows it may have (`file_rows`), and whether every file has.
  bool has_full() const { return full_ > 0; }
  bool all_full() const { return full_ > 0 && partial_ == 0; }
  int64_t raw_bytes() const { return raw_bytes_; }
  int64_t held_bytes() const;

  /// Its records end before `end`.
  SealedChunk Seal(event::Cursor end) &&;

 private:
  struct OpenObject {
    std::string folder;
    size_t number = 0;  // in the plan
    int64_t rows = 0;
    Timestamp first_time{};
    FilesPacker packer;
    std::unique_ptr<OpenDataFile> counted = std::make_unique<OpenDataFile>();
  };

  void Start(const event::EventBatch& events, size_t first);
  /// Where a record comes from, for the file it goes to.
  struct From {
    int64_t offset = 0;
    Timestamp time{};
  };
  bool IsFull(const OpenObject& object, const From& from) const;
  std::string KeyOf(const std::string& folder, size_t number, const From& from) const;
  OpenObject& ObjectFor(const std::string& folder, const From& from);
  void AddLine(const std::string& folder, const From& from, std::string_view line);
  void AddRefused(const event::EventBatch& events, const event::Reject& reject, Added& added);
  void Close(std::deque<OpenObject>::iterator object);

  PathTemplate path_;
  NameTemplate name_;
  std::optional<PathTemplate> error_path_;
  JsonLineWriter line_;
  FilesPlan plan_;
  std::vector<std::string> contents_;
  std::deque<OpenObject> open_;  // oldest first
  int64_t raw_bytes_ = 0;
  int64_t full_ = 0;     // files with as many rows as they may have
  int64_t partial_ = 0;  // open ones with fewer
};

}  // namespace millrace::land
