#include "table/value.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "judge/python.h"

namespace millrace::table {
namespace {

using schema::ParseType;
using schema::PrimitiveType;

PrimitiveType TypeOf(const std::string& text) { return std::get<PrimitiveType>(ParseType(text)); }

std::string ToHex(std::string_view bytes) {
  std::string hex = "x";
  for (const char c : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hex += kDigits[static_cast<unsigned char>(c) >> 4U];
    hex += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return hex;
}

Value ValueOf(const std::string& type, const std::string& text) {
  if (type == "boolean") return text == "true";
  if (type == "int" || type == "date") return static_cast<int32_t>(std::stol(text));
  if (type == "double") return std::stod(text);
  if (!type.starts_with("decimal")) return int64_t{std::stoll(text)};
  __int128_t number = 0;
  for (const char c : text) {
    if (c != '-') number = number * 10 + (c - '0');
  }
  return Decimal{text.front() == '-' ? -number : number};
}

TEST(ValueTest, BoundsAreThoseOfPyiceberg) {
  std::istringstream lines(judge::Python("values.py"));
  int count = 0;
  for (std::string type, value, bytes;
       std::getline(lines, type, '\t') && std::getline(lines, value, '\t') && std::getline(lines, bytes);) {
    SCOPED_TRACE(type + " " + value);
    const Value expected = ValueOf(type, value);
    const std::string encoded = EncodeBound(TypeOf(type), expected);
    EXPECT_EQ(ToHex(encoded), bytes);
    EXPECT_EQ(DecodeBound(TypeOf(type), encoded), expected);
    ++count;
  }
  EXPECT_GT(count, 200);
}

/// A bound that was written before a promotion has the bytes of the narrow type.
TEST(ValueTest, BoundsFromBeforeAPromotionStillRead) {
  EXPECT_EQ(DecodeBound(TypeOf("long"), EncodeBound(TypeOf("int"), int32_t{-7})), Value(int64_t{-7}));
  EXPECT_EQ(DecodeBound(TypeOf("double"), EncodeBound(TypeOf("float"), 1.5F)), Value(1.5));
  EXPECT_EQ(DecodeBound(TypeOf("decimal(30, 2)"), EncodeBound(TypeOf("decimal(9, 2)"), Decimal{-1})),
            Value(Decimal{-1}));
}

TEST(ValueTest, BytesOfAnotherLengthAreNoBound) {
  EXPECT_EQ(DecodeBound(TypeOf("int"), "12345678"), std::nullopt);
  EXPECT_EQ(DecodeBound(TypeOf("long"), "123"), std::nullopt);
  EXPECT_EQ(DecodeBound(TypeOf("uuid"), "short"), std::nullopt);
  EXPECT_EQ(DecodeBound(TypeOf("fixed[3]"), "four"), std::nullopt);
  EXPECT_EQ(DecodeBound(TypeOf("decimal(9, 2)"), ""), std::nullopt);
  EXPECT_EQ(DecodeBound(TypeOf("decimal(9, 2)"), std::string(17, '\0')), std::nullopt);
}

TEST(ValueTest, OrderIsThatOfIceberg) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(Compare(-0.0, 0.0) < 0);
  EXPECT_TRUE(Compare(std::numeric_limits<double>::infinity(), nan) < 0);
  EXPECT_EQ(Compare(-nan, nan), std::strong_ordering::equal);
  EXPECT_TRUE(Compare(std::string("z"), std::string("\xc3\xa9")) < 0);                     // U+007A before U+00E9
  EXPECT_TRUE(Compare(std::string("\xef\xbf\xbd"), std::string("\xf0\x9f\x98\x80")) < 0);  // U+FFFD before U+1F600
  EXPECT_TRUE(Compare(Decimal{-1}, Decimal{1}) < 0);
  EXPECT_TRUE(Compare(false, true) < 0);
}

TEST(ValueTest, PeopleReadValues) {
  EXPECT_EQ(ToString(TypeOf("date"), 18829), "2021-07-21");
  EXPECT_EQ(ToString(TypeOf("timestamptz"), int64_t{-1}), "1969-12-31T23:59:59.999999+00:00");
  EXPECT_EQ(ToString(TypeOf("timestamp"), int64_t{1626847200000000}), "2021-07-21T06:00:00");
  EXPECT_EQ(ToString(TypeOf("timestamp"), std::numeric_limits<int64_t>::min()), "-290308-12-21T19:59:05.224192");
  EXPECT_EQ(ToString(TypeOf("time"), int64_t{81068000001}), "22:31:08.000001");
  EXPECT_EQ(ToString(TypeOf("decimal(9, 2)"), Decimal{-5}), "-0.05");
  EXPECT_EQ(ToString(TypeOf("decimal(9, 0)"), Decimal{42}), "42");
  EXPECT_EQ(ToString(TypeOf("uuid"), std::string("\xf7\x9c\x3e\x09\x67\x7c\x4b\xbd\xa4\x79\x3f\x34\x9c\xb7\x85\xe7")),
            "f79c3e09-677c-4bbd-a479-3f349cb785e7");
  EXPECT_EQ(ToString(TypeOf("binary"), std::string("any carnal pleas")), "YW55IGNhcm5hbCBwbGVhcw==");
  EXPECT_EQ(ToString(TypeOf("double"), 1.0), "1.0");
  EXPECT_EQ(ToString(TypeOf("boolean"), true), "true");
}

}  // namespace
}  // namespace millrace::table
