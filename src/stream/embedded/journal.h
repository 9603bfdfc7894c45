#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "stream/embedded/segments.h"
#include "stream/embedded/sqlite.h"

namespace millrace::stream {

/// Where the journal of a stream ends: the last row of the table `segment`.
struct JournalPlace {
  int64_t segment = 1;
  int64_t end = 0;
  uint64_t sequence = 0;
  uint32_t chain = 0;
};

struct PayloadSpot {
  int64_t segment = 0;
  int64_t at = 0;
};

/// What makes appends durable, and where their payloads stay: entries one behind the other in segment files, one sync
/// for all of a commit. stream.db points into them and is written after them, unsynced: what a power cut takes of it is
/// read from here again (Recover). Lives inside the write transaction of its connection, whose lock makes it the only
/// writer of all processes.
class Journal {
 public:
  Journal(Connection& connection, const SegmentFolder& folder, int64_t segment_bytes);

  /// Where it ends, by stream.db as this transaction sees it.
  const JournalPlace& place();
  uint64_t stream() const { return stream_; }

  /// Writes an entry, not yet durable, and notes it in stream.db. Returns where the first of its payloads lies.
  PayloadSpot Write(const JournalMeta& meta, std::span<const std::string_view> payloads, bool moved);
  /// What was written is durable.
  void Sync();
  /// The transaction that it was written in has been committed.
  void Committed() { written_.reset(); }
  /// The next entry is one that is there already.
  void Advance(const JournalPlace& after, uint64_t payload_bytes);

  /// Payloads of a segment that no batch points to any more. Nothing for segment 0, which rows of version 1 stand for.
  void Drop(int64_t segment, int64_t payload_bytes);

  /// Another connection has written: place() is read again.
  void Reload() { place_.reset(); }
  /// After a rollback: what was written and refused must not be taken for an entry later. Takes the lock again. A
  /// failing disk ends the process.
  void Withdraw();

 private:
  void Enter(int64_t segment);
  /// Makes room for a small entry that a sync then writes over, which costs it no change of the file's size.
  void ZeroAhead(uint64_t entry_bytes);
  void Note(uint64_t payload_bytes);

  Connection& connection_;
  const SegmentFolder& folder_;
  const int64_t segment_bytes_;
  const uint64_t stream_;
  Statement read_place_;
  Statement enter_;
  Statement note_;
  Statement drop_;
  std::optional<JournalPlace> place_;
  std::unique_ptr<VfsFile> file_;
  int64_t file_segment_ = 0;
  int64_t file_bytes_ = 0;              // at least as many
  std::optional<PayloadSpot> written_;  // the first entry of the open transaction
  bool synced_ = true;
  std::string room_;
};

}  // namespace millrace::stream
