#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "stream/embedded/ledger.h"
#include "stream/embedded/segments.h"

namespace millrace::stream {

/// A payload that a batch points to, in a segment that is mostly dead.
struct LivePayload {
  PayloadSpot spot;
  JournalRow row;
};

/// The segment, other than the one that is written, of which the least is alive, when that is less than a quarter;
/// topics that keep their records for different times leave such. `connection` is one for looking.
std::optional<int64_t> SegmentToClean(Connection& connection);

/// What is alive in a segment, by its own entries. Outside any transaction: it may take a while.
std::vector<LivePayload> LivePayloads(Connection& connection, const SegmentFolder& folder, int64_t segment);

/// Writes those of `live` from `first` on, some megabytes, to the end of the journal and points their batches there;
/// what was dropped meanwhile is passed over. Inside the write transaction. Returns the first that is left.
size_t MoveSome(Ledger& ledger, const SegmentFolder& folder, const std::vector<LivePayload>& live, size_t first);

/// Whether ForgetDeadSegments would find any.
bool HasDeadSegments(Connection& connection);

/// Takes segments without a live payload out of stream.db, inside the write transaction; their files can be removed
/// when that is durable.
std::vector<int64_t> ForgetDeadSegments(Connection& connection);

}  // namespace millrace::stream
