#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/duration.h"
#include "land/range_source.h"
#include "table/metadata.h"

namespace millrace::land {

/// What a replay lands again, and where it began. It is kept in a property of the table while the replay is under way,
/// so that whoever goes on with it goes on with the same. Version 1, frozen, a JSON object:
///   {"version":1,"topic":..,"ranges":{"<split>":[begin,end],..},"event_time":["from","to"],"fork":"<snapshot id>",
///    "windows":{"width_ms":..,"definition":..,"run":..,"inputs":{"<table>":"<snapshot id>" or null,..}}}
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
  /// Given: no records of a topic, but the rows that a model makes for windows of `event_times`, in place of those that
  /// the table has. `ranges` has one split, kWindowSplit, and an offset is a number of windows.
  struct Windows {
    Duration width{};
    std::string definition;  // of the model, as a fingerprint
    int64_t run = 0;         // the model's last at the fork; 0: of a plan that does not say it
    /// What the tables that it is made of are read at; none: as empty.
    std::map<std::string, std::optional<table::SnapshotId>> inputs;
    friend bool operator==(const Windows&, const Windows&) = default;
  };
  std::optional<Windows> windows = std::nullopt;
  /// Main's head when the branch was made; none: the table had no snapshot.
  std::optional<table::SnapshotId> fork = std::nullopt;

  friend bool operator==(const ReplayPlan&, const ReplayPlan&) = default;
};

/// Frozen.
inline const event::SplitId kWindowSplit{"windows"};

std::string PrintReplayPlan(const ReplayPlan& plan);
/// Error kStop, which names `where`, when it is no plan of this version.
ReplayPlan ParseReplayPlan(std::string_view text, std::string_view where);

/// The names that a replay goes by in its table. Frozen.
std::string ReplayScope(const std::string& name);         // of its positions: "replay:<name>"
std::string ReplayBranch(const std::string& name);        // "replay-<name>"
std::string ReplayPlanProperty(const std::string& name);  // "millrace.replay.<name>"

}  // namespace millrace::land
