#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "event/source.h"
#include "source/file/file_in_progress.h"
#include "source/file/file_ledger.h"
#include "source/file/file_options.h"

namespace millrace::source {

/// Records of files: JSON lines, JSON arrays, CSV, plain or compressed. Each file is a split (see FileSplit), its
/// cursor a byte offset (see FileCursor). Bounded: the files that are there at the first Read, by name, each to its
/// end. Following: all files in turn, for ever; patterns are looked up again every second. A renamed file goes on under
/// its split, a file that was cut and began again is a new split, a deleted one ends when it is read out. A copy that
/// log rotation makes before it cuts a file ("app.log" -> "app.log.1") waits until the two differ.
/// Memory: one block of ReadLimits::bytes_max, or one record. Single-threaded.
class FileSource final : public event::Source {
 public:
  /// Error kConfig for options that make no sense.
  explicit FileSource(FileSourceOptions options, const Clock& clock = Clock::System());
  ~FileSource() override;

  std::string_view name() const override { return options_.name; }
  void Seek(const event::Positions& positions) override;
  event::ReadResult Read(const event::ReadLimits& limits, std::stop_token stop) override;
  void Acknowledge(const event::Positions&) override {}
  event::Lag lag() override;
  /// Whether the records of the batch that was read last are objects that were written here, of rows of CSV: valid JSON
  /// where their bytes are UTF-8. For a bounded source.
  bool wrote_objects() const { return !files_.empty() && files_.front()->objects(); }

 private:
  struct Waiting {
    FoundFile found;
    KnownFile known;
  };

  event::ReadResult ReadBounded(const event::ReadLimits& limits);
  void FindBounded();
  event::ReadResult ReadFollowing(const event::ReadLimits& limits, std::stop_token stop);
  std::shared_ptr<event::EventBatch> NextInTurn(size_t bytes_max);
  std::shared_ptr<event::EventBatch> NextOf(FileInProgress& file, size_t bytes_max, bool* ended);
  void LookForFiles();
  void RetireCutFiles();
  bool Ready(const FoundFile& found) const;
  bool IsCopyOfFollowed(const FoundFile& found);
  event::ReadResult Batch(std::shared_ptr<event::EventBatch> batch) const;

  FileSourceOptions options_;
  const Clock& clock_;
  FileLedger ledger_;
  std::optional<SteadyTime> looked_;                   // when patterns were last looked up
  std::deque<Waiting> waiting_;                        // bounded: files to come
  std::deque<std::unique_ptr<FileInProgress>> files_;  // bounded: at most one; following: the next in turn first
  std::set<std::string> held_copies_;                  // said once
};

}  // namespace millrace::source
