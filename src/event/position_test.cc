#include "event/position.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "event/stream.h"

namespace millrace::event {
namespace {

TEST(OffsetCursor, IsCanonicalSoThatEqualPlacesAreEqualTexts) {
  EXPECT_EQ(OffsetCursor(0), kStart);
  EXPECT_EQ(OffsetCursor(42).value(), "42");
  for (const int64_t offset : {int64_t{0}, int64_t{1}, int64_t{9'223'372'036'854'775'807}}) {
    EXPECT_EQ(OffsetOf(OffsetCursor(offset)), offset);
  }
}

TEST(OffsetCursor, RefusesWhatItDidNotMake) {
  for (const auto* text : {"x", "-1", "1 ", "9223372036854775808", "0x10"}) {
    EXPECT_THROW(OffsetOf(Cursor(text)), Error) << text;
  }
}

}  // namespace
}  // namespace millrace::event
