#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/python.h"
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

TEST(SchemaFromAvroTest, UnionsAndRecursion) {
  const auto schema = AvroSchema::Parse(kOrder);
  EXPECT_EQ(ToString(*TypeFromAvro(schema.root(), 100)),
            "struct<id: long, state: string, price: decimal(9, 2), fee: decimal(10, 4), at: timestamptz, day: date, "
            "either: struct<string: string, array: list<string>>, deep: map<string, string>, raw: binary>");
  EXPECT_THROW(TypeFromAvro(schema.root(), 10), Error);
}

}  // namespace
}  // namespace millrace::schema
