#include "decode/value_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "decode/fast_number.h"
#include "decode/json_number.h"
#include "decode/timestamp.h"

namespace millrace::decode {
namespace {

TEST(ValueTextTest, UuidsAreThirtySixCharacters) {
  uint8_t bytes[16];
  ASSERT_TRUE(ParseUuid("123e4567-E89b-12d3-a456-426614174000", bytes));
  EXPECT_EQ(bytes[0], 0x12);
  EXPECT_EQ(bytes[4], 0xe8);
  EXPECT_EQ(bytes[15], 0x00);
  for (const auto* wrong : {"", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400",
                            "123e4567-e89b-12d3-a456-42661417400g", "123e4567-e89b-12d3-a4564-26614174000"}) {
    EXPECT_FALSE(ParseUuid(wrong, bytes)) << wrong;
  }
}

/// The short cut and the long way agree on every mutation of a time.
TEST(ValueTextTest, TimestampReaderAcceptsWhatParseTimestampAccepts) {
  Random random(7);
  TimestampReader reader;
  const std::string seeds[] = {"2021-07-21T06:00:00Z",      "2024-02-29T23:59:59.999999Z",
                               "1969-12-31T00:00:00.5Z",    "2021-07-21 06:00:00.123456789Z",
                               "2021-07-21T06:00:00+02:00", "0000-01-01T00:00:00Z"};
  const std::string alphabet = "0123456789-:.TZz+ /;";
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = seeds[random.Below(std::size(seeds))];
    for (uint64_t edits = random.Below(3); edits > 0; --edits) {
      const size_t at = random.Below(text.size());
      if (random.Below(8) == 0) {
        text.erase(at, 1);
      } else {
        text[at] = alphabet[random.Below(random.Below(2) == 0 ? 10 : alphabet.size())];
      }
    }
    int64_t micros = 0;
    const auto expected = ParseTimestamp(text);
    ASSERT_EQ(reader.Parse(text, micros), expected.has_value()) << text;
    if (!expected) continue;
    ++accepted;
    ASSERT_EQ(micros, expected->time_since_epoch().count()) << text;
  }
  EXPECT_GT(accepted, 10'000);
}

TEST(ValueTextTest, DatesAndTimes) {
  EXPECT_EQ(ParseDate("1970-01-02"), 1);
  EXPECT_EQ(ParseDate("1969-12-31"), -1);
  EXPECT_EQ(ParseDate("2000-03-01"), 11017);
  EXPECT_EQ(ParseDate("2021-02-29"), std::nullopt);
  EXPECT_EQ(ParseDate("2021-1-1"), std::nullopt);
  EXPECT_EQ(ParseTime("00:00:01.5"), 1'500'000);
  EXPECT_EQ(ParseTime("23:59:59.999999"), 86'399'999'999);
  EXPECT_EQ(ParseTime("24:00:00"), std::nullopt);
  EXPECT_EQ(ParseTime("00:00:01Z"), std::nullopt);
  EXPECT_EQ(ParseLocalTimestamp("1970-01-01T00:00:01"), 1'000'000);
  EXPECT_EQ(ParseLocalTimestamp("1970-01-01T00:00:01Z"), std::nullopt);
}

/// The short way rounds as the C library does, bit for bit.
TEST(ValueTextTest, ShortDoublesRoundRight) {
  Random random(3);
  int taken = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = std::to_string(random.Next() >> random.Below(64));
    if (random.Below(4) != 0) text += "." + std::to_string(random.Next() >> random.Below(64));
    if (random.Below(2) == 0) text.insert(0, "-");
    double value = 0;
    const char* const end = ReadShortDouble(text.c_str(), value);
    const double expected = std::strtod(text.c_str(), nullptr);
    if (end != nullptr) {
      ++taken;
      ASSERT_EQ(end, text.c_str() + text.size()) << text;
      ASSERT_EQ(std::bit_cast<uint64_t>(value), std::bit_cast<uint64_t>(expected)) << text;
    }
    if (text.find('.') != std::string::npos) {
      ASSERT_EQ(NearestDouble(text), expected) << text;
    }
  }
  EXPECT_GT(taken, 10'000);
}

TEST(ValueTextTest, DecimalsKeepEveryDigit) {
  EXPECT_EQ(ExactDecimal("12.34", 9, 2), 1234);
  EXPECT_EQ(ExactDecimal("-0.05", 9, 2), -5);
  EXPECT_EQ(ExactDecimal("1e3", 9, 2), 100000);
  EXPECT_EQ(ExactDecimal("1.230", 9, 2), 123);
  EXPECT_EQ(ExactDecimal("1.234", 9, 2), std::nullopt);
  EXPECT_EQ(ExactDecimal("10000000", 9, 2), std::nullopt);
  EXPECT_EQ(ExactDecimal("9999999.99", 9, 2), 999999999);
  EXPECT_EQ(ExactDecimal("0e999999999999999999999", 9, 2), 0);
  EXPECT_EQ(ExactDecimal("1e999999999999999999999", 9, 2), std::nullopt);
  EXPECT_EQ(ExactDecimal("1e-999999999999999999999", 9, 2), std::nullopt);
}

}  // namespace
}  // namespace millrace::decode
