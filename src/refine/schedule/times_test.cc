#include "refine/schedule/times.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "judge/python.h"

namespace millrace::refine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Next(const std::string& expression, const std::string& zone, const std::string& after,
                              int count) {
  const Times times(expression, zone);
  std::vector<std::string> moments;
  auto at = ParseTimestamp(after).value();
  for (int i = 0; i < count; ++i) {
    at = times.Next(at);
    moments.push_back(FormatTimestamp(at));
  }
  return moments;
}

std::string ErrorOf(const std::string& expression, const std::string& zone = "UTC") {
  try {
    const Times times(expression, zone);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfig);
    return error.message();
  }
  return "no error";
}

TEST(Times, OfPlainExpressions) {
  EXPECT_THAT(Next("@hourly", "UTC", "2026-11-27T10:00:00Z", 2),
              ElementsAre("2026-11-27T11:00:00Z", "2026-11-27T12:00:00Z"));
  EXPECT_THAT(Next("@daily", "UTC", "2026-12-31T10:00:00Z", 2),
              ElementsAre("2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"));
  EXPECT_THAT(Next("30 6 * * mon-fri", "UTC", "2026-11-27T06:30:00Z", 2),
              ElementsAre("2026-11-30T06:30:00Z", "2026-12-01T06:30:00Z"));
  EXPECT_THAT(Next("*/20 8-9 * * *", "UTC", "2026-11-27T08:30:00.5Z", 3),
              ElementsAre("2026-11-27T08:40:00Z", "2026-11-27T09:00:00Z", "2026-11-27T09:20:00Z"));
  EXPECT_THAT(Next("0 0 29 feb *", "UTC", "2096-03-01T00:00:00Z", 1), ElementsAre("2104-02-29T00:00:00Z"));
  EXPECT_THAT(Next("0 12 1,15 * sun", "UTC", "2026-11-01T12:00:00Z", 3),
              ElementsAre("2026-11-08T12:00:00Z", "2026-11-15T12:00:00Z", "2026-11-22T12:00:00Z"))
      << "either day will do where both are restricted";
  EXPECT_THAT(Next("0 0 * * 7", "UTC", "2026-11-27T00:00:00Z", 1), ElementsAre("2026-11-29T00:00:00Z"));
}

TEST(Times, OfANightThatLosesAnHour) {
  // Berlin, 2026-03-29: from 02:00 (01:00 UTC) to 03:00.
  EXPECT_THAT(Next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
              ElementsAre("2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"));
  EXPECT_THAT(Next("@hourly", "Europe/Berlin", "2026-03-28T23:30:00Z", 3),
              ElementsAre("2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"));
}

TEST(Times, OfANightThatGainsAnHour) {
  // Berlin, 2026-10-25: at 03:00 (01:00 UTC) back to 02:00.
  EXPECT_THAT(Next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
              ElementsAre("2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"));
  EXPECT_THAT(
      Next("@hourly", "Europe/Berlin", "2026-10-24T23:30:00Z", 4),
      ElementsAre("2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"));
}

TEST(Times, OfAMidnightThatDoesNotComeOrComesTwice) {
  EXPECT_THAT(Next("@daily", "Africa/Cairo", "2026-04-23T12:00:00Z", 2),
              ElementsAre("2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"));
  EXPECT_THAT(Next("@daily", "America/Havana", "2026-10-31T12:00:00Z", 2),
              ElementsAre("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"));
}

TEST(Times, CroniterFindsTheSameMoments) {
  constexpr int kExpressions = 400;
  std::istringstream lines(judge::Python("cron.py", fmt::format("7 {}", kExpressions)));
  int compared = 0;
  for (std::string line; std::getline(lines, line); ++compared) {
    std::vector<std::string> parts;
    std::istringstream words(line);
    for (std::string part; std::getline(words, part, '|');) parts.push_back(part);
    ASSERT_EQ(parts.size(), 6U) << line;
    EXPECT_THAT(Next(parts[0], parts[1], parts[2], 3), ElementsAre(parts[3], parts[4], parts[5])) << line;
  }
  EXPECT_EQ(compared, kExpressions);
}

TEST(Times, ErrorsSayWhatDoesNotFit) {
  EXPECT_THAT(ErrorOf("0 24 * * *"), HasSubstr("'24' is no hour; it is 0 to 23"));
  EXPECT_THAT(ErrorOf("* * * *"), HasSubstr("has 4 fields"));
  EXPECT_THAT(ErrorOf("*/0 * * * *"), HasSubstr("is no minute"));
  EXPECT_THAT(ErrorOf("5-1 * * * *"), HasSubstr("is no minute"));
  EXPECT_THAT(ErrorOf("1,,2 * * * *"), HasSubstr("is no minute"));
  EXPECT_THAT(ErrorOf("0 0 30 2 *"), HasSubstr("never comes"));
  EXPECT_THAT(ErrorOf("@dayly"), HasSubstr("did you mean '@daily'?"));
  EXPECT_THAT(ErrorOf("@daily", "Europe/Berlim"), HasSubstr("no time zone 'Europe/Berlim'"));
}

}  // namespace
}  // namespace millrace::refine
