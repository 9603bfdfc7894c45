#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "land/range_source.h"
#include "table/metadata.h"

namespace millrace::land {

/// What a replay lands again, and where it began. It is kept in a property of the table while the replay is under way,
/// so that whoever goes on with it goes on with the same. Version 1, frozen, a JSON object:
///   {"version":1,"topic":..,"ranges":{"<split>":[begin,end],..},"event_time":["from","to"],"fork":"<snapshot id>"}
struct ReplayPlan {
  std::string topic;
  OffsetRanges ranges;
  /// Given: of the ranges only the records whose event time is in [from, to).
  struct EventTimes {
    Timestamp from{};
    Timestamp to{};
    friend bool operator==(const EventTimes&, const EventTimes&) = default;
  };
  std::optional<EventTimes> event_times = std::nullopt;
  /// Main's head when the branch was made; none: the table had no snapshot.
  std::optional<table::SnapshotId> fork = std::nullopt;

  friend bool operator==(const ReplayPlan&, const ReplayPlan&) = default;
};

std::string PrintReplayPlan(const ReplayPlan& plan);
/// Error kStop, which names `where`, when it is no plan of this version.
ReplayPlan ParseReplayPlan(std::string_view text, std::string_view where);

/// The names that a replay goes by in its table. Frozen.
std::string ReplayScope(const std::string& name);         // of its positions: "replay:<name>"
std::string ReplayBranch(const std::string& name);        // "replay-<name>"
std::string ReplayPlanProperty(const std::string& name);  // "millrace.replay.<name>"

}  // namespace millrace::land
