#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace millrace::bench {

using TakeBatch = std::function<void(std::shared_ptr<arrow::RecordBatch>)>;

struct PilotOptions {
  int64_t batch_rows = 8 * 1024;
  bool uuid_bytes = false;  // UUIDs as 16 bytes instead of text
};

/// The limit we measure against: a decoder written by hand for the events of events.h and nothing else. Line by line
/// through simdjson On-Demand, members in any order with a guess of the next one, into Arrow's builders with all memory
/// reserved. It has no schema, no rescue, no rejects: whatever surprises it ends the program. `lines` has 64 readable
/// bytes behind its end.
void RunPilot(std::string_view lines, const PilotOptions& options, const TakeBatch& take);

}  // namespace millrace::bench
