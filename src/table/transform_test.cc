#include "table/transform.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/error.h"
#include "judge/python.h"
#include "table/murmur3.h"

namespace millrace::table {
namespace {

using schema::ParseType;
using schema::PrimitiveType;

PrimitiveType TypeOf(const std::string& text) { return std::get<PrimitiveType>(ParseType(text)); }

/// Hash values of the Iceberg spec, appendix B, "32-bit Hash Requirements".
TEST(Murmur3Test, GivesTheVectorsOfTheSpec) {
  EXPECT_EQ(Murmur3(int64_t{34}), 2017239379);                 // int and long 34; decimal is apart
  EXPECT_EQ(Murmur3(DecimalBytes({1420})), -500754589);        // decimal 14.20
  EXPECT_EQ(Murmur3(int64_t{17486}), -653330422);              // date 2017-11-16
  EXPECT_EQ(Murmur3(int64_t{81068000000}), -662762989);        // time 22:31:08
  EXPECT_EQ(Murmur3(int64_t{1510871468000000}), -2047944441);  // timestamp 2017-11-16T22:31:08
  EXPECT_EQ(Murmur3(int64_t{1510871468000001}), -1207196810);  // timestamp 2017-11-16T22:31:08.000001
  EXPECT_EQ(Murmur3(std::string_view("iceberg")), 1210000089);
  EXPECT_EQ(Murmur3(std::string_view("\xf7\x9c\x3e\x09\x67\x7c\x4b\xbd\xa4\x79\x3f\x34\x9c\xb7\x85\xe7")), 1488055340);
  EXPECT_EQ(Murmur3(std::string_view("\0\1\2\3", 4)), -188683207);
}

/// What the Iceberg spec, "Truncate Transform Details", gives as examples.
TEST(TransformTest, TruncatesAsTheSpecSays) {
  const auto truncate = [](const char* type, int32_t width, Value value) {
    return *ApplyTransform({.kind = Transform::Kind::kTruncate, .parameter = width}, TypeOf(type), value);
  };
  EXPECT_EQ(truncate("int", 10, 1), Value(0));
  EXPECT_EQ(truncate("int", 10, -1), Value(-10));
  EXPECT_EQ(truncate("long", 10, int64_t{-1}), Value(int64_t{-10}));
  EXPECT_EQ(truncate("decimal(9, 2)", 50, Decimal{1065}), Value(Decimal{1050}));
  EXPECT_EQ(truncate("string", 3, std::string("iceberg")), Value(std::string("ice")));
  EXPECT_EQ(truncate("binary", 3, std::string("\1\2\3\4\5")), Value(std::string("\1\2\3")));
}

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 1; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

__int128_t ToInt128(const std::string& text) {
  __int128_t number = 0;
  for (const char c : text) {
    if (c != '-') number = number * 10 + (c - '0');
  }
  return text.front() == '-' ? -number : number;
}

Value ValueOf(const PrimitiveType& type, const std::string& text) {
  switch (type.kind) {
    case schema::Primitive::kInt:
    case schema::Primitive::kDate:
      return static_cast<int32_t>(std::stol(text));
    case schema::Primitive::kDecimal:
      return Decimal{ToInt128(text)};
    case schema::Primitive::kString:
    case schema::Primitive::kUuid:
    case schema::Primitive::kFixed:
    case schema::Primitive::kBinary:
      return FromHex(text);
    default:
      return int64_t{std::stoll(text)};
  }
}

struct Vector {
  std::string type, value, transform, result, text;
};

std::vector<Vector> VectorsOfPyiceberg() {
  std::vector<Vector> vectors;
  std::istringstream lines(judge::Python("transforms.py"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    Vector vector;
    for (auto* cell : {&vector.type, &vector.value, &vector.transform, &vector.result, &vector.text})
      std::getline(cells, *cell, '\t');
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

void AppendTo(arrow::ArrayBuilder& builder, const PrimitiveType& type, const Value& value) {
  std::shared_ptr<arrow::Scalar> scalar;
  const auto arrow_type = builder.type();
  if (const auto* bytes = std::get_if<std::string>(&value)) {
    const auto buffer = arrow::Buffer::FromString(*bytes);
    if (type.kind == schema::Primitive::kString) scalar = std::make_shared<arrow::StringScalar>(buffer);
    if (type.kind == schema::Primitive::kBinary) scalar = std::make_shared<arrow::BinaryScalar>(buffer);
    if (scalar == nullptr) scalar = std::make_shared<arrow::FixedSizeBinaryScalar>(buffer, arrow_type);
  } else if (const auto* decimal = std::get_if<Decimal>(&value)) {
    const arrow::Decimal128 number(static_cast<int64_t>(decimal->unscaled >> 64),
                                   static_cast<uint64_t>(decimal->unscaled));
    scalar = std::make_shared<arrow::Decimal128Scalar>(number, arrow_type);
  } else if (const auto* narrow = std::get_if<int32_t>(&value)) {
    scalar = arrow::MakeScalar(arrow_type, *narrow).ValueOrDie();
  } else {
    scalar = arrow::MakeScalar(arrow_type, std::get<int64_t>(value)).ValueOrDie();
  }
  ASSERT_TRUE(builder.AppendScalar(*scalar).ok());
}

std::shared_ptr<arrow::Array> ColumnOf(const PrimitiveType& type, const Value& value) {
  const auto arrow_type = schema::ToArrow({.fields = {{.name = "x", .type = type}}})->field(0)->type();
  auto builder = arrow::MakeBuilder(arrow_type).ValueOrDie();
  EXPECT_TRUE(builder->AppendNull().ok());
  AppendTo(*builder, type, value);
  EXPECT_TRUE(builder->AppendNull().ok());
  return builder->Finish().ValueOrDie()->Slice(1);  // an offset, so that forgetting it shows
}

TEST(TransformTest, AgreesWithPyicebergOnRandomValuesAloneAndInColumns) {
  const auto vectors = VectorsOfPyiceberg();
  ASSERT_GT(vectors.size(), 2000U);
  for (const Vector& vector : vectors) {
    SCOPED_TRACE(vector.transform + " of " + vector.type + " " + vector.value);
    const PrimitiveType type = TypeOf(vector.type);
    const Transform transform = ParseTransform(vector.transform);
    ASSERT_EQ(ToString(transform), vector.transform);
    ASSERT_TRUE(CanTransform(transform, type));
    const Value value = ValueOf(type, vector.value);
    const Value expected = ValueOf(ResultType(transform, type), vector.result);
    const auto result = ApplyTransform(transform, type, value);
    ASSERT_EQ(result, expected);
    // pyiceberg prints uuids and the fraction of times by rules of its own.
    if (type.kind != schema::Primitive::kUuid && transform.kind != Transform::Kind::kIdentity) {
      ASSERT_EQ(ToString(transform, type, result), FromHex(vector.text));
    }
    const auto column = TransformColumn(transform, type, ColumnOf(type, value));
    ASSERT_EQ(column->length(), 2);
    ASSERT_EQ(ValueAt(*column, 0), expected);
    ASSERT_TRUE(column->IsNull(1));
  }
}

TEST(TransformTest, TimesBefore1970FallIntoTheUnitTheyAreIn) {
  const auto timestamp = TypeOf("timestamptz");
  const auto text = [&](const char* transform, int64_t micros) {
    const Transform parsed = ParseTransform(transform);
    return ToString(parsed, timestamp, ApplyTransform(parsed, timestamp, micros));
  };
  EXPECT_EQ(text("year", -1), "1969");
  EXPECT_EQ(text("month", -1), "1969-12");
  EXPECT_EQ(text("day", -1), "1969-12-31");
  EXPECT_EQ(text("hour", -1), "1969-12-31-23");
}

TEST(TransformTest, NullStaysNullAndVoidForgets) {
  for (const char* transform : {"identity", "bucket[4]", "void"}) {
    EXPECT_EQ(ApplyTransform(ParseTransform(transform), TypeOf("long"), std::nullopt), std::nullopt);
  }
  EXPECT_EQ(ApplyTransform(ParseTransform("void"), TypeOf("long"), int64_t{1}), std::nullopt);
  EXPECT_EQ(TransformColumn(ParseTransform("void"), TypeOf("long"), ColumnOf(TypeOf("long"), int64_t{1}))->null_count(),
            2);
}

TEST(TransformTest, WhatIsUnknownKeepsItsTextAndPlacesNoRows) {
  for (const char* text : {"zorder[3]", "bucket[0]", "bucket[]", "bucket[x]", "truncate[-1]", "bucket[99999999999]"}) {
    const Transform transform = ParseTransform(text);
    EXPECT_EQ(transform.kind, Transform::Kind::kUnknown) << text;
    EXPECT_EQ(ToString(transform), text);
    EXPECT_FALSE(CanTransform(transform, TypeOf("long")));
    EXPECT_THROW(ApplyTransform(transform, TypeOf("long"), int64_t{1}), Error);
  }
}

}  // namespace
}  // namespace millrace::table
