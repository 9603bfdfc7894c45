#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "event/decoder.h"
#include "event/event_batch.h"
#include "event/position.h"

namespace millrace::land {

/// Where a sink leaves the records that cannot become rows. Calls come in this order: Recover, then Add, AddGap and
/// Holds as the chunk goes on, then Commit before the rows of the same chunk become visible. All but Recover, Commit
/// and Drop may be called by several threads.
class Rejects {
 public:
  virtual ~Rejects() = default;

  /// Drops what is pending and reads what a crash left here ahead of `landed`, the positions of the sink.
  virtual void Recover(const event::Positions& landed) = 0;

  /// The cause under which this record is here although the sink has not passed it: it is neither landed nor rejected
  /// again. nullopt for all others.
  virtual std::optional<event::RejectCause> Holds(const event::SplitId& split, int64_t offset) const = 0;
  /// Whether Holds can say yes at all: false in the usual case, which saves asking for each record.
  virtual bool holds_any() const = 0;

  /// Buffers rejected records of a batch; those that Holds knows are left out.
  virtual void Add(const event::EventBatch& events, const std::vector<event::Reject>& rejects) = 0;
  /// Buffers a note of the gap of a batch, which must have one: what is missing, and why. Like a reject it is there
  /// once, whatever crashes come between, also when the gap has grown meanwhile.
  virtual void AddGap(const event::EventBatch& events) = 0;

  /// Makes what is pending durable, for the chunk that starts at `from` (a split that is absent: at its start) and ends
  /// at `to`. Nothing pending: does nothing. False, and nothing is pending any more, when another worker has left
  /// records of these splits here since Recover: drop the chunk and recover.
  [[nodiscard]] virtual bool Commit(const event::Positions& from, const event::Positions& to, std::stop_token stop) = 0;

  /// Forgets what is pending: the chunk was another writer's.
  virtual void Drop() = 0;
};

}  // namespace millrace::land
