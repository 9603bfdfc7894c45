#include "query/predicate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace millrace::query {
namespace {

using Kind = Predicate::Kind;
using table::Value;

constexpr schema::FieldId kColumn{7};
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Predicate Is(Kind kind, std::vector<Value> values = {}) {
  Predicate predicate;
  predicate.kind = kind;
  predicate.field = kColumn;
  predicate.values = std::move(values);
  return predicate;
}

bool May(const Predicate& predicate, const ColumnFacts& facts) {
  return MayMatch(predicate, [&](schema::FieldId id) { return id == kColumn ? facts : ColumnFacts{}; });
}

ColumnFacts Between(Value lower, Value upper) {
  ColumnFacts facts;
  facts.lower = std::move(lower);
  facts.upper = std::move(upper);
  return facts;
}

TEST(Predicate, BoundsAreInclusive) {
  const auto facts = Between(int64_t{5}, int64_t{9});
  EXPECT_FALSE(May(Is(Kind::kLess, {int64_t{5}}), facts));
  EXPECT_TRUE(May(Is(Kind::kLessOrEqual, {int64_t{5}}), facts));
  EXPECT_FALSE(May(Is(Kind::kGreater, {int64_t{9}}), facts));
  EXPECT_TRUE(May(Is(Kind::kGreaterOrEqual, {int64_t{9}}), facts));
  EXPECT_TRUE(May(Is(Kind::kIn, {int64_t{4}, int64_t{5}}), facts));
  EXPECT_FALSE(May(Is(Kind::kIn, {int64_t{4}, int64_t{10}}), facts));
}

TEST(Predicate, NotANumberIsAboveEverythingAndOutsideOfTheBounds) {
  auto facts = Between(1.0, 2.0);
  EXPECT_TRUE(May(Is(Kind::kGreater, {5.0}), facts)) << "there may be a NaN, which SQL here holds greater";
  EXPECT_TRUE(May(Is(Kind::kIn, {kNan}), facts));
  EXPECT_FALSE(May(Is(Kind::kLess, {0.5}), facts));
  EXPECT_TRUE(May(Is(Kind::kLess, {kNan}), facts)) << "every number is below NaN";
  facts.may_have_nan = false;
  EXPECT_FALSE(May(Is(Kind::kGreater, {5.0}), facts));
  EXPECT_FALSE(May(Is(Kind::kIn, {kNan}), facts));
}

TEST(Predicate, NegativeZeroEqualsZero) {
  auto facts = Between(-0.0, -0.0);
  facts.may_have_nan = false;
  EXPECT_TRUE(May(Is(Kind::kIn, {0.0}), facts));
  EXPECT_TRUE(May(Is(Kind::kGreaterOrEqual, {0.0}), facts));
  EXPECT_FALSE(May(Is(Kind::kLess, {0.0}), facts));
}

TEST(Predicate, NullsMatchNothingButTheTestForThem) {
  auto facts = Between(int64_t{5}, int64_t{9});
  facts.may_have_null = false;
  EXPECT_FALSE(May(Is(Kind::kIsNull), facts));
  EXPECT_TRUE(May(Is(Kind::kNotNull), facts));
  ColumnFacts nulls;
  nulls.may_have_value = false;
  EXPECT_TRUE(May(Is(Kind::kIsNull), nulls));
  EXPECT_FALSE(May(Is(Kind::kNotNull), nulls));
  EXPECT_FALSE(May(Is(Kind::kLess, {int64_t{1}}), nulls));
}

TEST(Predicate, WhatIsNotKnownDecidesNothing) {
  EXPECT_TRUE(May(Is(Kind::kLess, {int64_t{1}}), ColumnFacts{}));
  EXPECT_TRUE(May(Is(Kind::kLess, {int64_t{1}}), Between(int32_t{5}, int32_t{9}))) << "another type than the bounds";
  EXPECT_EQ(AnyOf({Is(Kind::kIsNull), Predicate{}}).kind, Kind::kAny);
  EXPECT_EQ(AllOf({Is(Kind::kIsNull), Predicate{}}).kind, Kind::kIsNull);
  EXPECT_EQ(AnyOf({}).kind, Kind::kAny);
}

}  // namespace
}  // namespace millrace::query
