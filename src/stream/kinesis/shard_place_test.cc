#include "stream/kinesis/shard_place.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "event/stream.h"

namespace millrace::stream {
namespace {

TEST(ShardPlace, IsACursorAndBack) {
  using At = ShardPlace::At;
  const std::vector<std::pair<ShardPlace, const char*>> places = {
      {{}, ""},
      {{.ordinal = 7}, "7@oldest"},
      {{.ordinal = 3, .at = At::kSequence, .sequence = "4959"}, "3@4959"},
      {{.ordinal = 3, .at = At::kSequence, .sequence = "4959", .taken = 0}, "3@4959/0"},
      {{.ordinal = 0, .at = At::kTime, .time = Timestamp(std::chrono::milliseconds(1'700'000'000'123))},
       "0@time:1700000000123"},
      {{.ordinal = 9, .at = At::kEnd}, "9@end"},
  };
  for (const auto& [place, text] : places) {
    EXPECT_EQ(CursorAt(place).value(), text);
    EXPECT_EQ(PlaceAt(event::Cursor(text)), place);
    EXPECT_EQ(event::OffsetOf(event::Cursor(text)), place.ordinal);
  }
}

TEST(ShardPlace, TakesNothingElse) {
  for (const char* text :
       {"7", "@5", "7@", "-1@5", "07@5", "7@5/", "7@5/x", "7@5/01", "7@5x", "7@time:", "7@END", "x@5"}) {
    EXPECT_THROW(PlaceAt(event::Cursor(text)), Error) << text;
  }
}

}  // namespace
}  // namespace millrace::stream
