#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "app/config_model.h"
#include "app/data_directory.h"
#include "app/lake.h"
#include "app/text_table.h"
#include "base/byte_budget.h"
#include "land/quarantine_replay.h"

namespace millrace::app {

struct ReplayPlace {
  const PipelineConfig& pipeline;
  const DataDirectory& directory;
  Lake& lake;
};

struct ReplayRequest {
  std::string table;
  std::vector<std::string> causes;  // only these; empty: all
};

/// By the cause that kept records out.
using ReplayCountsByCause = std::map<std::string, land::ReplayCounts>;

/// What the table's decoder and key would make of the records now; nothing is written. Error kUsage for a table that
/// cannot be replayed into.
ReplayCountsByCause TryReplay(const ReplayPlace& place, const ReplayRequest& request);

/// Lands them, also beside a process that lands into the same table. Error kUsage as TryReplay, kUnavailable when
/// somebody else replays them.
ReplayCountsByCause Replay(const ReplayPlace& place, const ReplayRequest& request, ByteBudget& budget,
                           const std::stop_token& stop);

Listing ReplayListing(const ReplayCountsByCause& counts);

}  // namespace millrace::app
