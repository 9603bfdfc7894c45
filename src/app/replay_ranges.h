#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "event/stream.h"
#include "land/range_source.h"
#include "land/replay_plan.h"

namespace millrace::app {

/// "2=1500..1600" of partition 2 the records from offset 1500 up to, and without, 1600; an end that is left out is
/// where the partition begins or ends now. Error kUsage for anything else, for a partition that is not there, and for
/// records that the stream no longer has or does not have yet.
land::OffsetRanges RangesByOffset(const event::TopicInfo& topic, const std::vector<std::string>& texts);

/// Which time of a record counts: when the stream took it, or what the producer said.
enum class TimeOf { kIngested, kEvent };

/// From `from` (none: the oldest record) up to, and without, `to` (none: the newest).
struct TimeRange {
  std::optional<Timestamp> from;
  std::optional<Timestamp> to;
};

/// "2026-01-02", "2026-01-02T03:00:00Z", or an age as in "2h". Error kUsage.
Timestamp ParseTime(const std::string& text, Timestamp now);

/// Of each partition the shortest stretch that has every record of these times; partitions without any are left out.
/// By ingestion it is found in some twenty reads a partition, by event time every record is looked at.
land::OffsetRanges RangesByTime(event::Stream& stream, const event::TopicInfo& topic, const TimeRange& times, TimeOf by,
                                const std::stop_token& stop);

}  // namespace millrace::app
