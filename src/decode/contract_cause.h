#pragma once

#include "event/decoder.h"
#include "schema/evolution.h"

namespace millrace::decode {

/// Whether a record that holds what a contract of this mode does not expect goes.
inline bool Rejects(schema::ContractMode mode) {
  return mode == schema::ContractMode::kDiscardRow || mode == schema::ContractMode::kFreeze;
}

/// The cause it goes with.
inline event::RejectCause CauseOf(schema::ContractMode mode) {
  return mode == schema::ContractMode::kFreeze ? event::RejectCause::kFrozen : event::RejectCause::kContract;
}

}  // namespace millrace::decode
