#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/python.h"
#include "schema/avro/avro_compatibility.h"
#include "schema/avro/avro_encode.h"
#include "schema/avro/avro_schema.h"
#include "schema/avro/schema_avro.h"

namespace millrace::schema {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kOrder = R"({"type":"record","name":"Order","namespace":"shop","doc":"d","fields":[
  {"name":"id","type":"long"},
  {"name":"state","type":{"type":"enum","name":"State","symbols":["NEW","PAID"]},"default":"NEW"},
  {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
  {"name":"fee","type":{"type":"fixed","name":"Fee","size":6,"logicalType":"decimal","precision":10,"scale":4}},
  {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
  {"name":"day","type":{"type":"int","logicalType":"date"}},
  {"name":"either","type":["null","string",{"type":"array","items":"State"}]},
  {"name":"deep","type":{"type":"map","values":{"type":"record","name":"other.Deep","fields":[{"name":"x","type":["null","other.Deep"]}]}}},
  {"name":"raw","type":"bytes","default":"\u00ff"}]})";

std::string WhyNot(const std::string& value, const std::string& schema) {
  AvroEncoder out;
  out.Long(1);
  try {
    EncodeAvro(json::parse(value), AvroSchema::Parse(schema).root(), out);
  } catch (const Error& error) {
    EXPECT_EQ(out.bytes(), "\2") << "what failed leaves nothing behind";
    return error.message();
  }
  return "fits";
}

std::string WhyWrong(const std::string& schema) {
  try {
    AvroSchema::Parse(schema, {}, AvroSchema::Rules::kStrict);
  } catch (const Error& error) {
    return error.message();
  }
  return "valid";
}

TEST(AvroSchemaTest, CanonicalFormsAreThoseOfFastavro) {
  const judge::Folder folder;
  for (const std::string text : {kOrder, "\"string\"", R"(["null",{"type":"fixed","name":"a.F","size":3}])"}) {
    judge::Spill(folder.File("schema"), text);
    const auto schema = AvroSchema::Parse(text);
    std::string print;
    // fastavro prints the bytes as they are sent.
    for (int shift = 0; shift < 64; shift += 8)
      print += fmt::format("{:02x}", Fingerprint(schema.root()) >> shift & 0xff);
    EXPECT_EQ(judge::Python("avro_messages.py", "canonical " + folder.File("schema")),
              CanonicalForm(schema.root()) + "\n" + print + "\n");
  }
}

TEST(AvroEncodeTest, FastavroReadsWhatIsWritten) {
  const judge::Folder folder;
  const auto value = json::parse(
      R"({"id":7,"price":"-12.5","fee":1.25,"at":"2024-05-01T12:00:00.5Z","day":"1969-12-31","either":["PAID"],)"
      R"("deep":{"k":{"x":{"x":null}}}})");
  AvroEncoder out;
  EncodeAvro(value, AvroSchema::Parse(kOrder).root(), out);
  judge::Spill(folder.File("schema"), kOrder);
  judge::Spill(folder.File("data"), std::string(out.bytes()));
  const auto got =
      json::parse(judge::Python("avro_messages.py", "read " + folder.File("schema") + " " + folder.File("data")));
  EXPECT_EQ(got, json::parse(R"({"id":7,"state":"NEW","price":"-12.50","fee":"1.2500",)"
                             R"("at":"2024-05-01 12:00:00.500000+00:00","day":"1969-12-31","either":["PAID"],)"
                             R"("deep":{"k":{"x":{"x":null}}},"raw":"b'\\xff'"})"));
}

TEST(AvroEncodeTest, WhatDoesNotFitIsNamed) {
  const std::string record = R"({"type":"record","name":"R","fields":[{"name":"a","type":{"type":"record","name":"A",)"
                             R"("fields":[{"name":"zip","type":["null","int"]}]}}]})";
  EXPECT_EQ(WhyNot(R"({"a":{"zip":"x"}})", record), "a.zip: expected int, found text");
  EXPECT_EQ(WhyNot(R"({"a":{"zip":5000000000}})", record), "a.zip: 5000000000 is out of the range of int");
  EXPECT_EQ(WhyNot(R"({"a":{}})", record), "fits");
  EXPECT_EQ(WhyNot(R"({})", record), "a: is missing");
  EXPECT_THAT(WhyNot(R"({"a":{"zip":1,"zap":2}})", record), HasSubstr("\"zap\""));
  EXPECT_THAT(WhyNot("[1,\"x\",{\"int\":3}]", R"({"type":"array","items":["null","int"]})"), HasSubstr("1: "));
  EXPECT_EQ(WhyNot("{\"int\":3}", R"(["null","int"])"), "fits");
  EXPECT_THAT(WhyNot("12.345", R"({"type":"bytes","logicalType":"decimal","precision":9,"scale":2})"),
              HasSubstr("decimal(9, 2)"));
}

TEST(AvroSchemaTest, StrictRulesRefuseWhatReadersWouldPutUpWith) {
  EXPECT_EQ(WhyWrong(kOrder), "valid");
  for (const char* wrong :
       {R"({"type":"record","name":"1","fields":[]})", R"(["int","int"])", R"([["int"]])", "\"Unknown\"",
        R"({"type":"enum","name":"E","symbols":["A"],"default":"B"})",
        R"({"type":"record","name":"R","fields":[{"name":"a","type":["null","int"],"default":3}]})"}) {
    EXPECT_THAT(WhyWrong(wrong), HasSubstr("the Avro schema is not valid")) << wrong;
  }
}

TEST(AvroEncodeTest, DigitsAreKeptOrRefused) {
  const auto decimal = [](int precision, int scale) {
    return fmt::format(R"({{"type":"bytes","logicalType":"decimal","precision":{},"scale":{}}})", precision, scale);
  };
  EXPECT_EQ(WhyNot("1234567890123.25", decimal(20, 2)), "fits");
  EXPECT_THAT(WhyNot("1234567890123456.78", decimal(20, 2)), HasSubstr("write the decimal as text"));
  EXPECT_EQ(WhyNot(R"("1234567890123456.78")", decimal(20, 2)), "fits");
  const std::string nines(38, '9');
  EXPECT_EQ(WhyNot('"' + nines + '"', decimal(38, 0)), "fits");
  EXPECT_EQ(WhyNot("\"-" + nines + '"', decimal(38, 0)), "fits");
  EXPECT_THAT(WhyNot('"' + nines + "9\"", decimal(38, 0)), HasSubstr("expected a decimal(38, 0)"));
  EXPECT_THAT(WhyNot('"' + nines + '"', decimal(38, 1)), HasSubstr("expected a decimal(38, 1)"));
}

TEST(AvroEncodeTest, NumbersAtTheEdges) {
  EXPECT_EQ(WhyNot("2147483647.0", "\"int\""), "fits");
  EXPECT_EQ(WhyNot("-2147483648.0", "\"int\""), "fits");
  EXPECT_NE(WhyNot("2147483648.0", "\"int\""), "fits");
  EXPECT_EQ(WhyNot("9223372036854774784.0", "\"long\""), "fits");
  EXPECT_NE(WhyNot("9223372036854775808.0", "\"long\""), "fits");
  const std::string nanos = R"({"type":"long","logicalType":"timestamp-nanos"})";
  EXPECT_EQ(WhyNot(R"("2262-04-11T00:00:00Z")", nanos), "fits");
  EXPECT_EQ(WhyNot(R"("2263-01-01T00:00:00Z")", nanos), "expected a timestamp-nanos");
}

TEST(AvroEncodeTest, DefaultsThatHoldThemselvesEnd) {
  EXPECT_THAT(WhyNot("{}", R"({"type":"record","name":"R","fields":[{"name":"next","type":"R","default":{}}]})"),
              HasSubstr("nested too deep"));
  std::string schema = R"(["null",{"type":"record","name":"R0","fields":[]})";
  for (int i = 1; i < 50; ++i) {
    schema += fmt::format(R"(,{{"type":"record","name":"R{0}","fields":[{{"name":"a","type":"R{1}","default":{{}}}},)"
                          R"({{"name":"b","type":"R{1}","default":{{}}}}]}})",
                          i, i - 1);
  }
  const std::string doubling = R"({"type":"record","name":"R","fields":[{"name":"u","type":)" + schema +
                               R"(],"default":null},{"name":"x","type":"R49","default":{}}]})";
  EXPECT_THAT(WhyNot("{}", doubling), HasSubstr("its default is too large"));
  EXPECT_THROW(EncodeAvroDefault("{}", AvroSchema::Parse(doubling).root()), Error);
}

TEST(AvroSchemaTest, NestingOfTheTextIsBounded) {
  const std::string deep = std::string(500'000, '[') + std::string(500'000, ']');
  EXPECT_THAT(WhyWrong(deep), HasSubstr("nests too deep"));
  EXPECT_THROW(
      AvroSchema::Parse(R"({"type":"record","name":"R","fields":[{"name":"a","type":"int","default":)" + deep + "}]}"),
      Error);
  EXPECT_THAT(WhyWrong(R"({"type":"record","name":"R","fields":[{"name":"a","type":[],"default":1}]})"),
              HasSubstr("a union has no branch"));
}

std::vector<std::string> WhyUnreadable(const std::string& reader, const std::string& writer) {
  const auto reads = AvroSchema::Parse(reader), wrote = AvroSchema::Parse(writer);
  return WhyAvroUnreadable(reads.root(), wrote.root());
}

/// A list whose items are of a type, with more fields beside.
std::string LongList(const std::string& item, const std::string& more = "") {
  return R"({"type":"record","name":"LongList","fields":[{"name":"next","type":["null","LongList"]},{"name":"item","type":)" +
         item + "}" + more + "]}";
}

TEST(AvroCompatibilityTest, TypesThatHoldThemselves) {
  EXPECT_THAT(WhyUnreadable(LongList("\"long\""), LongList("\"int\"")), testing::IsEmpty());
  EXPECT_THAT(WhyUnreadable(LongList("\"int\""), LongList("\"long\"")),
              testing::ElementsAre(HasSubstr("TYPE_MISMATCH at /fields/1/type")));
  EXPECT_THAT(WhyUnreadable(LongList("\"int\"", R"(,{"name":"more","type":"int"})"), LongList("\"int\"")),
              testing::ElementsAre(HasSubstr("READER_FIELD_MISSING_DEFAULT_VALUE at /fields/2")));
}

TEST(AvroCompatibilityTest, WhatAUnionTriesInVainIsStillWrongElsewhere) {
  const auto pair = [](const char* inner) {
    return fmt::format(R"({{"type":"record","name":"P","fields":[{{"name":"u","type":["null",)"
                       R"({{"type":"record","name":"A","fields":[{{"name":"x","type":"{}"}}]}},)"
                       R"({{"type":"map","values":"A"}}]}},{{"name":"a","type":"A"}}]}})",
                       inner);
  };
  EXPECT_THAT(WhyUnreadable(pair("int"), pair("long")),
              testing::ElementsAre(HasSubstr("MISSING_UNION_BRANCH at /fields/0/type/1"),
                                   HasSubstr("MISSING_UNION_BRANCH at /fields/0/type/2"),
                                   HasSubstr("TYPE_MISMATCH at /fields/1/type/fields/0/type")));
}

TEST(AvroCompatibilityTest, ManyTypesThatNameEachOtherAreCompared) {
  const auto chain = [](int length) {
    std::string schema = R"([{"type":"record","name":"R0","fields":[]})";
    for (int i = 1; i < length; ++i) {
      schema += fmt::format(R"(,{{"type":"record","name":"R{0}","fields":[{{"name":"a","type":["null","R{1}"]}},)"
                            R"({{"name":"b","type":["null","R{1}"]}}]}})",
                            i, i - 1);
    }
    return schema + "]";
  };
  EXPECT_THAT(WhyUnreadable(chain(1'000), chain(1'000)), testing::IsEmpty());
  const auto last = [&](int length) {
    return AvroSchema::Parse(fmt::format(R"({{"type":"array","items":"R{}"}})", length - 1), {chain(length)},
                             AvroSchema::Rules::kLenient);
  };
  const auto near = last(50), far = last(300);
  EXPECT_THAT(WhyAvroUnreadable(near.root(), near.root()), testing::IsEmpty());
  EXPECT_THAT(WhyAvroUnreadable(far.root(), far.root()), testing::Not(testing::IsEmpty())) << "it ends";
}

TEST(SchemaFromAvroTest, UnionsAndRecursion) {
  const auto schema = AvroSchema::Parse(kOrder);
  EXPECT_EQ(ToString(*TypeFromAvro(schema.root(), 100)),
            "struct<id: long, state: string, price: decimal(9, 2), fee: decimal(10, 4), at: timestamptz, day: date, "
            "either: struct<string: string, array: list<string>>, deep: map<string, string>, raw: binary>");
  EXPECT_THROW(TypeFromAvro(schema.root(), 10), Error);
}

}  // namespace
}  // namespace millrace::schema
