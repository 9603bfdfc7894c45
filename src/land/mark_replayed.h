#pragma once

#include <stop_token>
#include <vector>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "land/replay_note.h"

namespace millrace::land {

/// Writes into a quarantine table what became of the records of `notes`, in one commit: of those that landed when and
/// in which chunk, of those that failed again the new cause. The data files that hold them are written anew; nothing
/// else changes. Doing it twice changes nothing more. Error kUnavailable when stopped before the outcome is known.
void MarkReplayed(catalog::Catalog& catalog, const catalog::TableName& quarantine, const std::vector<ReplayNote>& notes,
                  ByteBudget& budget, const Clock& clock, const std::stop_token& stop);

}  // namespace millrace::land
