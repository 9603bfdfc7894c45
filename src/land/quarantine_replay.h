#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "event/sink.h"
#include "land/rejects.h"

namespace millrace::land {

struct QuarantineReplayOptions {
  catalog::TableName target;
  /// Whose: the pipeline's name.
  std::string scope;
  std::set<std::string> causes;  // only these; empty: all
  int64_t chunk_bytes = int64_t{64} << 20;
  int64_t chunk_records = 200'000;
};

/// What became of the records of a cause.
struct ReplayCounts {
  uint64_t records = 0;
  uint64_t landed = 0;  // as rows, or dropped because their key had landed
  std::map<std::string, uint64_t> failed;
};

/// Takes the records that a table's quarantine holds through the table's sink once more, after whatever kept them out
/// was mended. What becomes a row is marked in the quarantine, what fails again stays there with its new cause. Exactly
/// once, in the order of the protocol:
///
///   the note of a chunk is durable (which records land, which fail)          replay_note.h
///   the rows are committed, and with them the target's position in the scope "quarantine:<scope>": the chunk's name
///   the marks of all chunks are committed to the quarantine; then their notes are deleted
///
/// A note without its position has not landed and never will once another chunk has; a position whose note is still
/// there has landed and may lack its marks, and so may those before it: every run begins with these. Of two that run at
/// once, one is turned away by the position and looks again.
class QuarantineReplay {
 public:
  /// Borrows all but the options.
  QuarantineReplay(catalog::Catalog& catalog, QuarantineReplayOptions options, ByteBudget& budget,
                   const Clock& clock = Clock::System());
  ~QuarantineReplay();
  QuarantineReplay(const QuarantineReplay&) = delete;
  QuarantineReplay& operator=(const QuarantineReplay&) = delete;

  /// The scope of the target's positions that the sink below must have.
  std::string sink_scope() const;
  /// Where the sink below must leave its rejects.
  std::shared_ptr<Rejects> rejects();

  /// Writes the marks that a run before this one owes. False: there is no quarantine for the target.
  bool Settle(const std::stop_token& stop);
  /// Everything that is meant and waits. Stops between chunks, with what has landed marked. By old cause.
  std::map<std::string, ReplayCounts> Run(event::Sink& sink, const std::stop_token& stop);

 private:
  class ChunkRejects;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::land
