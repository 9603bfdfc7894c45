#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "event/stream.h"
#include "stream/embedded/ledger.h"

namespace millrace::stream {

/// The partition of a key: XXH3-64 modulo the number of partitions. Frozen: a key stays in its partition for ever.
int32_t PartitionOf(std::string_view key, int32_t partitions);

/// Splits the events of a request by the partitions that they name, else by key. Records without a key stay together,
/// in partition `keyless`. What is large enough is packed here, on the caller's thread; few records are left as a
/// slice. `request` must outlive the result; `ingested_at` is stored in place of theirs. Error kConfig when one names a
/// partition that there is not.
std::vector<PartAppend> SplitByPartition(const event::AppendRequest& request, Timestamp ingested_at, int32_t partitions,
                                         int32_t keyless);

}  // namespace millrace::stream
