#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "event/decoder.h"
#include "event/event_batch.h"
#include "event/position.h"

namespace millrace::land {

struct QuarantineOptions {
  /// The table (or set of files) whose rejects are kept: "silver.users" has them in "quarantine.silver_users".
  catalog::TableName target;
  /// Whose positions: the scope under which the target's own positions are stored.
  std::string scope;
};

/// "quarantine.<namespace>_<name>", dots of the namespace as '_'.
catalog::TableName QuarantineTableOf(const catalog::TableName& target);

/// Keeps what could not become a row: an Iceberg table with the raw bytes, topic, partition, offset, cause, detail, the
/// target's name, ingested_at, and the split with the scope it came through. It is created with the first reject.
///
/// A chunk's rejects are committed before the chunk's rows. When a crash comes between, the chunk is replayed, perhaps
/// cut differently: Recover learns which records of the unlanded stretch are here already, and Holds says so of each,
/// so that the sink neither lands nor quarantines them again. Thread-safe. Positions of a chunk are those of the
/// target; a zombie is turned away by the target's own positions, which the caller checks first.
class QuarantineWriter {
 public:
  QuarantineWriter(catalog::Catalog& catalog, QuarantineOptions options, ByteBudget& budget,
                   const Clock& clock = Clock::System());
  ~QuarantineWriter();
  QuarantineWriter(const QuarantineWriter&) = delete;
  QuarantineWriter& operator=(const QuarantineWriter&) = delete;

  /// Drops what is pending and reads what a crash left here ahead of `landed`, the positions of the target.
  void Recover(const event::Positions& landed);

  /// The cause under which this record is here although the target has not passed it; nullopt for all others.
  std::optional<event::RejectCause> Holds(const event::SplitId& split, int64_t offset) const;
  /// Whether Holds can say yes at all: false in the usual case, which saves asking for each record.
  bool holds_any() const;

  /// Buffers rejected records of a batch; those that Holds knows are left out.
  void Add(const event::EventBatch& events, const std::vector<event::Reject>& rejects);
  int64_t pending_rows() const;

  /// Makes what is pending durable and visible, for the chunk that starts at `from` (a split that is absent: at its
  /// start) and ends at `to`. Nothing pending: does nothing. Error kStop when the table is not one of ours.
  void Commit(const event::Positions& from, const event::Positions& to, std::stop_token stop);

  /// Forgets what is pending and deletes its files: the chunk was another writer's.
  void Drop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::land
