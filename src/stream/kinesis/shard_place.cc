#include "stream/kinesis/shard_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/error.h"

namespace millrace::stream {
namespace {

constexpr std::string_view kTimeWord = "time:";
constexpr size_t kSequenceDigitsMax = 128;

template <typename Number>
std::optional<Number> NumberOf(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  // One way to write it: equality of cursors is equality of text.
  return std::to_string(number) == text ? std::optional(number) : std::nullopt;
}

bool IsSequence(std::string_view text) {
  return !text.empty() && text.size() <= kSequenceDigitsMax &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// What stands behind the '@'; false when it is nothing known.
bool ParseWhere(std::string_view text, ShardPlace& place) {
  using At = ShardPlace::At;
  if (text == "oldest" || text == "end") {
    place.at = text == "end" ? At::kEnd : At::kOldest;
    return true;
  }
  if (text.starts_with(kTimeWord)) {
    const auto millis = NumberOf<int64_t>(text.substr(kTimeWord.size()));
    place.at = At::kTime;
    place.time = Timestamp(std::chrono::milliseconds(millis.value_or(0)));
    return millis.has_value();
  }
  const auto slash = text.find('/');
  place.at = At::kSequence;
  place.sequence = text.substr(0, slash);
  if (slash == std::string_view::npos) return IsSequence(place.sequence);
  place.taken = NumberOf<uint32_t>(text.substr(slash + 1));
  return IsSequence(place.sequence) && place.taken.has_value();
}

}  // namespace

event::Cursor CursorAt(const ShardPlace& place) {
  using At = ShardPlace::At;
  switch (place.at) {
    case At::kOldest:
      return place.ordinal == 0 ? event::kStart : event::Cursor(fmt::format("{}@oldest", place.ordinal));
    case At::kEnd:
      return event::Cursor(fmt::format("{}@end", place.ordinal));
    case At::kTime: {
      const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(place.time.time_since_epoch());
      return event::Cursor(fmt::format("{}@{}{}", place.ordinal, kTimeWord, millis.count()));
    }
    case At::kSequence:
      break;
  }
  return event::Cursor(fmt::format("{}@{}{}", place.ordinal, place.sequence,
                                   place.taken ? fmt::format("/{}", *place.taken) : std::string()));
}

ShardPlace PlaceAt(const event::Cursor& cursor) {
  ShardPlace place;
  if (cursor == event::kStart) return place;
  const std::string_view text = cursor.value();
  const auto at = text.find('@');
  const auto ordinal = NumberOf<int64_t>(text.substr(0, at));
  if (at == std::string_view::npos || !ordinal || *ordinal < 0 || !ParseWhere(text.substr(at + 1), place)) {
    throw Error(ErrorCode::kStop,
                fmt::format("'{}' is no position in a shard of Kinesis, ORDINAL@SEQUENCE, ORDINAL@oldest, "
                            "ORDINAL@time:MILLISECONDS or ORDINAL@end",
                            text));
  }
  place.ordinal = *ordinal;
  return place;
}

}  // namespace millrace::stream
