#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "event/event_batch.h"

namespace millrace::event {

enum class ReadState {
  kBatch,       // a batch was read
  kIdle,        // nothing within the time given, and everything there was at the call has been read; more may come
  kWaiting,     // nothing within the time given; whether there is more already is not known
  kReassigned,  // the splits of this reader changed: commit what was read, then Seek to what has landed by then
  kExhausted,   // nothing will ever come again: the end of a bounded source
};

struct ReadResult {
  ReadState state = ReadState::kIdle;
  EventBatchPtr batch;  // set for kBatch only
};

struct ReadLimits {
  size_t bytes_max = size_t{4} << 20;  // one record larger than this still comes, alone
  std::chrono::milliseconds wait{100};
};

struct PartitionLag {
  int32_t partition = 0;
  int64_t records = 0;
  std::optional<Timestamp> oldest;
};

/// How far a reader is behind.
struct Lag {
  int64_t records = 0;                        // -1: not known
  int64_t bytes = 0;                          // -1: not known
  std::optional<Timestamp> oldest;            // when the oldest unread record came in
  std::vector<PartitionLag> partitions = {};  // of what this reader reads, where it reads partitions
};

/// Bytes with positions, from outside or from a stream. Driven by one thread at a time. A gap (what should come
/// next no longer exists) is an Error with kStop that names the range that is missing; it is never skipped, unless the
/// reader was opened to land gaps: then it comes as a batch without records that tells of it (EventBatch::gap).
///
/// A reader that shares a stream with others owns some of the splits at a time. When that changes, Read says
/// kReassigned until the next Seek. Splits that are taken away stay owned until then, but not for longer than the
/// reader's patience: whoever has them next starts where the last commit ended, so a commit that comes later conflicts.
class Source {
 public:
  virtual ~Source() = default;

  /// Names it in errors and in `_topic`.
  virtual std::string_view name() const = 0;

  /// Starts, or starts over, after the given positions. Splits that are absent begin at their start.
  virtual void Seek(const Positions& positions) = 0;

  /// The next batch of some split. Batches of a split come in order and without gaps: each begins where the one
  /// before it ended.
  virtual ReadResult Read(const ReadLimits& limits, std::stop_token stop) = 0;

  /// Everything up to these positions is durable downstream: trimming and broker commits may follow. Advisory.
  virtual void Acknowledge(const Positions& positions) = 0;

  /// Asked last before a commit: whether what was read since the last Seek is of the splits it was given as. False
  /// when a topic was replaced by one of the same name meanwhile, or that cannot be known: drop what was read, and Seek
  /// to what has landed.
  virtual bool ConfirmRead(std::stop_token) { return true; }

  virtual Lag lag() = 0;
  /// Why nothing comes, in one sentence; empty when there is nothing to say.
  virtual std::string WaitsFor() { return {}; }
};

}  // namespace millrace::event
