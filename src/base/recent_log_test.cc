#include "base/recent_log.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(RecentLogTest, KeepsTheNewestLines) {
  RecentLog log;
  const auto lines = static_cast<int64_t>(RecentLog::kLinesMax);
  for (int64_t i = 1; i <= lines + 5; ++i) log.Add(LogLevel::kInfo, std::to_string(i), Timestamp{});
  const auto all = log.After(0);
  ASSERT_EQ(all.size(), RecentLog::kLinesMax);
  EXPECT_EQ(all.front().text, "6");
  EXPECT_EQ(all.back().number, lines + 5);
  ASSERT_EQ(log.After(lines + 4).size(), 1U);
  EXPECT_TRUE(log.After(lines + 5).empty());
}

TEST(RecentLogTest, CutsLongLinesBetweenCharacters) {
  RecentLog log;
  // Two bytes a character, with one byte before them: the limit falls within one.
  std::string text = "x";
  while (text.size() < 2 * RecentLog::kLineBytesMax) text += "\xC3\xA9";
  log.Add(LogLevel::kWarning, text, Timestamp{});
  const auto line = log.After(0).at(0);
  EXPECT_EQ(line.text.size(), RecentLog::kLineBytesMax - 1);
  EXPECT_EQ(line.text.back(), '\xA9');
}

TEST(RecentLogTest, HoldsWhatTheProcessLogs) {
  LogWarning("a line of the test {}", 42);
  const auto lines = RecentLog::Process().After(0);
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.back().text, "a line of the test 42");
  EXPECT_EQ(ToString(lines.back().level), "warning");
  LogDebug("not shown, and not kept");
  EXPECT_EQ(RecentLog::Process().After(0).back().text, "a line of the test 42");
}

}  // namespace
}  // namespace millrace
