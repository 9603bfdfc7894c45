#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "event/decoder.h"
#include "event/event_batch.h"
#include "land/files_path.h"
#include "land/files_plan.h"

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
  /// What became of records.
  struct Added {
    uint64_t rows = 0;
    uint64_t blank = 0;
    uint64_t rescued_values = 0;
    std::vector<event::Reject> rejects;  // they are in the chunk when it keeps them
  };
  /// Told of records once they are encoded; the batch lives during the call.
  using OnAdded = std::function<void(const event::EventBatch&, const Added&)>;

  virtual ~FilesChunk() = default;
  FilesChunk(const FilesChunk&) = delete;
  FilesChunk& operator=(const FilesChunk&) = delete;

  /// The records [first, last) of a batch; the chunk's split is that of its first batch.
  virtual void Add(const event::EventBatch& events, size_t first, size_t last, const OnAdded& on_added) = 0;
  /// Encodes what waits for its neighbours: what is full, or all of it. May be called again after kUnavailable.
  virtual void Settle(bool all, const OnAdded& on_added) = 0;

  /// Whether what is no record goes to files of its own.
  virtual bool keeps_rejects() const = 0;
  bool empty() const { return plan_.records == 0; }
  /// Whether a file has all the rows it may have (`file_rows`), and whether every file has.
  bool has_full() const { return full_ > 0; }
  virtual bool all_full() const = 0;
  /// Of the records, before packing.
  int64_t raw_bytes() const { return raw_bytes_; }
  virtual int64_t held_bytes() const = 0;

  /// Its records end before `end`. Everything is settled.
  SealedChunk Seal(event::Cursor end) &&;

 protected:
  FilesChunk(std::string pipeline, FilesEncoding encoding, event::Cursor begin);

  /// Where a record comes from, for the file it goes to.
  struct From {
    int64_t offset = 0;
    Timestamp time{};
  };

  const FilesEncoding& encoding() const { return plan_.encoding; }
  void Note(const event::EventBatch& events, size_t first, size_t last);
  /// Plans an object of which `from` is the first record; returns its number.
  size_t Plan(const std::string& folder, const From& from);
  void Fill(size_t number, int64_t rows, std::string content);
  /// Whether a record at `from` is to go to an object after the one that has so many bytes and rows, whose first record
  /// is of `first_time`.
  bool IsFull(int64_t bytes, int64_t rows, Timestamp first_time, const From& from) const;
  /// An object has so many rows now, one more than before.
  void CountRow(int64_t rows);
  /// What objects that are filled hold in memory.
  int64_t filled_bytes() const;
  virtual void CloseAll() = 0;

  PathTemplate path_;
  FilesPlan plan_;
  std::vector<std::string> contents_;
  int64_t raw_bytes_ = 0;
  int64_t full_ = 0;     // files with as many rows as they may have
  int64_t partial_ = 0;  // open ones with fewer

 private:
  std::string KeyOf(const std::string& folder, size_t number, const From& from) const;

  NameTemplate name_;
};

/// The reject of a record that lacks a member by which its folder is named.
event::Reject MissingFolder(size_t record, const std::string& member);

/// What a record says of the folder it goes to; the last one is kept, as it mostly serves the next too. Empty and
/// `missing` not, when the record lacks a member that the path names.
class FolderOf {
 public:
  explicit FolderOf(const PathTemplate& path) : path_(path) {}
  const std::string& Of(const PathTemplate::Place& place, const MemberOf& member);
  const std::string& missing() const { return missing_; }

 private:
  const PathTemplate& path_;
  std::optional<PathTemplate::Place> known_;
  std::string folder_;
  std::string missing_;
};

}  // namespace millrace::land
