#include "base/clock.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace millrace {
namespace {

using std::chrono::microseconds;

Timestamp At(int64_t micros) { return Timestamp(microseconds(micros)); }

TEST(ParseTimestamp, ReadsWhatRfc3339Allows) {
  EXPECT_EQ(ParseTimestamp("1970-01-01T00:00:00Z"), At(0));
  EXPECT_EQ(ParseTimestamp("2021-07-21T06:00:00Z"), At(1'626'847'200'000'000));
  EXPECT_EQ(ParseTimestamp("2021-07-21 06:00:00.5Z"), At(1'626'847'200'500'000));
  EXPECT_EQ(ParseTimestamp("2021-07-21T08:00:00.123456789+02:00"), At(1'626'847'200'123'456));
  EXPECT_EQ(ParseTimestamp("1969-12-31T23:59:59.999999Z"), At(-1));
  EXPECT_EQ(ParseTimestamp("2000-02-29T00:00:00Z"), At(951'782'400'000'000));
}

TEST(ParseTimestamp, RefusesEverythingElse) {
  for (const auto* text :
       {"", "2021-07-21", "2021-07-21T06:00:00", "2021-13-01T00:00:00Z", "2021-02-29T00:00:00Z", "2021-07-21T24:00:00Z",
        "2021-07-21T06:00:60Z", "2021-07-21T06:00:00.Z", "2021-07-21T06:00:00.1234567890Z", "2021-07-21T06:00:00+0200",
        "2021-07-21T06:00:00Zx", "2o21-07-21T06:00:00Z", "2021-07-21T06:00:00+24:00"}) {
    EXPECT_EQ(ParseTimestamp(text), std::nullopt) << text;
  }
}

TEST(FormatTimestamp, IsReadBackToTheMicrosecond) {
  Random random(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto time = At(static_cast<int64_t>(random.Below(4'000'000'000'000'000)) - 1'000'000'000'000'000);
    EXPECT_EQ(ParseTimestamp(FormatTimestamp(time)), time) << FormatTimestamp(time);
  }
  EXPECT_EQ(FormatTimestamp(At(1'626'847'200'000'000)), "2021-07-21T06:00:00Z");
}

TEST(Clock, SleepEndsEarlyWhenStopped) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(Clock::System().SleepFor(std::chrono::hours(1), stop.get_token()));
  EXPECT_TRUE(Clock::System().SleepFor(std::chrono::milliseconds(1), {}));
}

}  // namespace
}  // namespace millrace
