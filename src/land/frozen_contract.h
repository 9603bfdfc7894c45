#pragma once

#include "event/decoder.h"
#include "event/event_batch.h"

namespace millrace::land {

/// A contract that says freeze stops the table, at the record that would break it: Error kStop.
void StopIfFrozen(const event::EventBatch& events, const event::Decoded& decoded);

}  // namespace millrace::land
