#include "land/frozen_contract.h"

#include <fmt/format.h>

#include "base/error.h"

namespace millrace::land {

void StopIfFrozen(const event::EventBatch& events, const event::Decoded& decoded) {
  for (const auto& reject : decoded.rejects) {
    if (reject.cause != event::RejectCause::kFrozen) continue;
    throw Error(ErrorCode::kStop,
                fmt::format("topic {} partition {} offset {}: the record {}, or let the table have it, then start "
                            "again; nothing is lost. The contract says freeze, so the table stops here",
                            events.topic, events.partition, events.offset(reject.record), reject.detail));
  }
}

}  // namespace millrace::land
