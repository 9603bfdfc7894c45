#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/clock.h"
#include "event/decoder.h"
#include "event/event_batch.h"
#include "event/waiting.h"

namespace millrace::event {

/// What became of a commit. Unknown is never folded into failed: everything written is kept until a fresh read tells.
enum class CommitOutcome {
  kCommitted,
  kNothing,   // nothing was buffered
  kConflict,  // another writer moved our positions: what was buffered is dropped; seek to positions() and go on
};

/// Counts since the sink was made. in = rows + deletes + rejected + duplicates + blank + filtered.
struct SinkCounts {
  uint64_t records = 0;
  uint64_t rows = 0;
  uint64_t deletes = 0;     // records that took the row of their key away, if there was one
  uint64_t duplicates = 0;  // dropped because their key had landed, or a newer change of it was there
  uint64_t blank = 0;
  uint64_t filtered = 0;  // left out by a condition that was given
  uint64_t rescued_values = 0;
  std::map<RejectCause, uint64_t> rejected;
  uint64_t missing = 0;  // records that gaps stand for; not among `records`
  uint64_t commits = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;
};

void AddCounts(const SinkCounts& more, SinkCounts& total);

/// Lands batches durably, with their positions, in one atomic step. One thread drives it; it may use more inside.
class Sink {
 public:
  virtual ~Sink() = default;

  /// Finishes or forgets what a crash left half done and reads what has landed. Call first, and after kConflict.
  virtual Positions Recover() = 0;

  /// Takes a batch; it may buffer, encode and write files, none of it visible. Batches of a split must follow each
  /// other without a gap from the recovered position on: anything else is an Error kInternal. A batch without records
  /// moves the position with the next commit of others, or not at all.
  /// May wait: for memory, for files to be encoded, for a catalogue or store that does not answer. A stop ends that
  /// with Error kUnavailable; what was written since the last commit is then lost to the sink, not to its source.
  virtual void Write(EventBatchPtr events, std::stop_token stop) = 0;
  void Write(EventBatchPtr events) { Write(std::move(events), {}); }

  /// Enough is buffered, or has been for long enough, that a commit is due now.
  virtual bool CommitDue() const = 0;

  /// Makes everything written so far visible and durable with its positions. Returns only with a known outcome;
  /// waits and reads again while it is unknown. Error kUnavailable when stopped before it is known.
  virtual CommitOutcome Commit(std::stop_token stop) = 0;

  /// Nothing is written for a while, because it is the turn of others: encodes what holds much memory. May wait, as
  /// Write does.
  virtual void Rest(std::stop_token) {}

  /// What has landed for certain.
  virtual Positions positions() const = 0;
  virtual SinkCounts counts() const = 0;
  /// Why nothing has been committed since the last commit. May be called by other threads, also while a Commit waits.
  virtual Wait WaitsFor() const = 0;
};

}  // namespace millrace::event
