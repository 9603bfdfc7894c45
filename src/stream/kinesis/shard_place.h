#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "event/position.h"

namespace millrace::stream {

/// Where a reader stands in a shard. As a cursor, frozen:
///
///   ""                            before the first record there is, `ordinal` 0
///   <ordinal>@<sequence>          behind that record, with all that is packed into it
///   <ordinal>@<sequence>/<taken>  behind so many of those that are packed into it; /0: before it
///   <ordinal>@oldest              before the oldest record there is
///   <ordinal>@time:<ms>           before the first record that came at that time (since 1970) or later
///   <ordinal>@end                 behind the last record of a closed shard
///
/// `ordinal` counts the records that were handed out of the shard before: it is the offset of the next one. Kinesis has
/// no such number. It is carried from commit to commit, so whoever goes on from a cursor numbers alike.
struct ShardPlace {
  enum class At { kOldest, kTime, kSequence, kEnd };
  int64_t ordinal = 0;
  At at = At::kOldest;
  Timestamp time{};
  std::string sequence{};
  std::optional<uint32_t> taken{};  // absent: all

  bool operator==(const ShardPlace&) const = default;
};

event::Cursor CursorAt(const ShardPlace& place);
/// Error kStop when it is no cursor of a shard.
ShardPlace PlaceAt(const event::Cursor& cursor);

}  // namespace millrace::stream
