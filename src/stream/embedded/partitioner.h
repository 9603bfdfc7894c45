#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "event/event_batch.h"
#include "stream/embedded/ledger.h"

namespace millrace::stream {

/// The partition of a key: XXH3-64 modulo the number of partitions. Frozen: a key stays in its partition for ever.
int32_t PartitionOf(std::string_view key, int32_t partitions);

/// Splits a batch by key. Records without a key stay together, in partition `keyless`. What is large enough is packed
/// here, on the caller's thread; few records are left as a slice. `events` must outlive the result; `ingested_at` is
/// stored in place of theirs.
std::vector<PartAppend> SplitByKey(const event::EventBatch& events, Timestamp ingested_at, int32_t partitions,
                                   int32_t keyless);

}  // namespace millrace::stream
