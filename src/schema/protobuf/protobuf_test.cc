#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "io/digest.h"
#include "schema/protobuf/protobuf_avro.h"
#include "schema/protobuf/protobuf_compatibility.h"
#include "schema/protobuf/protobuf_schema.h"

namespace millrace::schema {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ProtobufSchema Proto3(const std::string& body) {
  return ProtobufSchema::Parse("syntax = \"proto3\"; package a.b; " + body);
}

std::string WhyNot(std::string_view text, const std::vector<RegisteredSchema::Used>& imports = {}) {
  try {
    ProtobufSchema::Parse(text, imports);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kData);
    return error.message();
  }
  return "";
}

TEST(ProtobufSchemaTest, MessagesAreFoundByNameAndByIndexes) {
  const auto schema = Proto3("message A {} message B { message C {} message D { message E {} } }");
  EXPECT_EQ(schema.Find("")->full_name(), "a.b.A");
  EXPECT_EQ(schema.Find("B.D.E"), schema.At({1, 1, 0}));
  EXPECT_EQ(schema.Find("a.b.B"), schema.At({1}));
  for (const MessageIndexes& none : {MessageIndexes{}, MessageIndexes{2}, MessageIndexes{-1}, MessageIndexes{0, 0}}) {
    EXPECT_EQ(schema.At(none), nullptr);
  }
  EXPECT_EQ(schema.Find("X"), nullptr);
  // Confluent's documentation of the wire format: [1, 0] is 4 2 0, [0] a single 0.
  EXPECT_EQ(MessageIndexBytes(*schema.At({1, 0})), std::string("\4\2\0", 3));
  EXPECT_EQ(MessageIndexBytes(*schema.At({0})), std::string(1, '\0'));
  for (const auto& indexes : {MessageIndexes{0}, MessageIndexes{1}, MessageIndexes{1, 1, 0}}) {
    const auto bytes = MessageIndexBytes(*schema.At(indexes)) + "rest";
    std::string_view rest = bytes;
    EXPECT_EQ(TakeMessageIndexes(rest), indexes);
    EXPECT_EQ(rest, "rest");
  }
  for (const std::string bad : {"", "\x03", "\x04\x02", "\xff\xff\xff\xff\xff\xff"}) {
    std::string_view rest = bad;
    EXPECT_FALSE(TakeMessageIndexes(rest)) << bad;
  }
}

TEST(ProtobufSchemaTest, TextOrBytesOfAFileAndItsImports) {
  const std::string text = "syntax = \"proto3\"; import \"x/money.proto\"; message A { Money m = 1; }";
  const std::vector<RegisteredSchema::Used> imports = {{"x/money.proto", "syntax = \"proto3\"; message Money {}"},
                                                       {"x/money.proto", "syntax = \"proto3\"; message Money {}"}};
  EXPECT_EQ(WhyNot(text, imports), "");
  EXPECT_EQ(WhyNot(io::Base64(ProtobufFileBytes(text)), imports), "");
  EXPECT_EQ(ProtobufFileBytes(text), ProtobufFileBytes("// another\n" + text));
  EXPECT_THAT(WhyNot(text), HasSubstr("x/money.proto"));
  EXPECT_THAT(WhyNot("syntax = \"proto3\";\nmessage A { int32 }"), HasSubstr("line 2"));
  EXPECT_THAT(WhyNot("syntax = \"proto3\"; message A { Lost a = 1; }"), HasSubstr("Lost"));
  EXPECT_THAT(WhyNot("{\"type\": \"record\"}"), HasSubstr("line 1"));
  std::string deep = "syntax = \"proto3\"; ";
  for (int i = 0; i < 100'000; ++i) deep += "message A {";
  EXPECT_THAT(WhyNot(deep), HasSubstr("nested deeper"));
}

TEST(ProtobufAvroTest, FieldsOfAMessage) {
  const auto schema = ProtobufSchema::Parse(
      "syntax = \"proto3\"; import \"google/protobuf/timestamp.proto\"; message A { uint64 u = 1; repeated int32 l = 2;"
      "map<int32, string> m = 3; google.protobuf.Timestamp t = 4; }");
  EXPECT_EQ(
      AvroSchemaFor(*schema.Find("A")),
      R"({"type":"record","name":"A","fields":[)"
      R"({"name":"u","type":["null",{"type":"bytes","logicalType":"decimal","precision":20,"scale":0}],"default":null},)"
      R"({"name":"l","type":{"type":"array","items":"int"}},)"
      R"({"name":"m","type":{"type":"map","values":"string"}},)"
      R"({"name":"t","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null},)"
      R"({"name":"_unknown_fields","type":["null",{"type":"map","values":"string"}],"default":null}]})");
}

TEST(ProtobufCompatibilityTest, NumbersCountNamesDoNot) {
  const auto why = [](const std::string& reads, const std::string& wrote) {
    return WhyProtobufUnreadable(Proto3("message M { " + reads + " } message N {}"),
                                 Proto3("message M { " + wrote + " } message N {}"));
  };
  EXPECT_THAT(why("int32 a = 1; string b = 2;", "int64 z = 1; map<string, int32> gone = 9;"), IsEmpty());
  EXPECT_THAT(why("string a = 1;", "bytes a = 1;"), IsEmpty());
  EXPECT_THAT(why("repeated string a = 1;", "string a = 1;"), IsEmpty());
  EXPECT_THAT(why("oneof x { string a = 1; }", "string a = 1;"), IsEmpty());
  EXPECT_THAT(why("N a = 1;", "N a = 1;"), IsEmpty());
  EXPECT_THAT(why("string a = 1;", "int32 a = 1;"), ElementsAre("field 1 (a) of M is string here and int32 there"));
  EXPECT_THAT(why("sint32 a = 1;", "int32 a = 1;"), ElementsAre(HasSubstr("sint32 here and int32")));
  EXPECT_THAT(why("N a = 1;", "M a = 1;"), ElementsAre(HasSubstr("N here and M there")));
  EXPECT_THAT(why("map<string, string> a = 1;", "map<string, int32> a = 1;"), ElementsAre(HasSubstr("string here")));
  EXPECT_THAT(why("int32 a = 1;", "repeated int32 a = 1;"), ElementsAre(HasSubstr("repeated there")));
  EXPECT_THAT(why("", "oneof x { string a = 1; string b = 2; }"), testing::SizeIs(2));
  EXPECT_THAT(why("oneof x { string a = 1; string b = 2; }", "string a = 1; string b = 2;"),
              ElementsAre(HasSubstr("side by side")));
  EXPECT_THAT(
      WhyProtobufUnreadable(Proto3("message B { message C {} }"), Proto3("message A {} message B { message D {} }")),
      ElementsAre("message A is gone", "message B.D is gone"));
  const auto required = [](const std::string& body) {
    return ProtobufSchema::Parse("syntax = \"proto2\"; message M { " + body + " }");
  };
  EXPECT_THAT(WhyProtobufUnreadable(required("required int32 a = 1;"), required("optional int32 a = 1;")),
              ElementsAre("field 1 (a) of M is required"));
  // A package may change.
  EXPECT_THAT(WhyProtobufUnreadable(ProtobufSchema::Parse("syntax = \"proto3\"; package x; message M { M m = 1; }"),
                                    Proto3("message M { M m = 1; }")),
              IsEmpty());
}

}  // namespace
}  // namespace millrace::schema
