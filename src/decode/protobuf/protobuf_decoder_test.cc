#include "decode/protobuf/protobuf_decoder.h"

#include <arrow/api.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/random.h"
#include "contract/decoder_contract.h"
#include "contract/schema_shelf.h"
#include "judge/messages.h"
#include "judge/python.h"
#include "schema/protobuf/protobuf_schema.h"

namespace millrace::decode {
namespace {

using event::RejectCause;
using schema::ProtobufSchema;
using schema::SchemaKind;
using schema::SchemaShelf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kOrder =
    R"(syntax = "proto3"; message Order { int32 id = 1; string name = 2; Item item = 3; repeated int64 counts = 4;
       map<string, int32> of = 5; } message Item { string sku = 1; Item inner = 2; })";

/// A decoder of plain messages of `proto`'s first message, and what it made of the last ones.
struct Decoding {
  explicit Decoding(const std::string& proto, ProtobufDecoderOptions options = {}) {
    options.files.push_back({.name = "schema.proto", .text = proto});
    decoder = std::make_unique<ProtobufDecoder>(std::move(options));
  }
  const event::Decoded& Take(const std::vector<std::string>& messages) {
    return last = event::DecodeChecked(*decoder, messages, false);
  }
  std::vector<std::string> Column(const std::string& name) const {
    const auto array = last.rows ? last.rows->GetColumnByName(name) : nullptr;
    if (!array) return {"no such column"};
    std::vector<std::string> values;
    for (int64_t row = 0; row < array->length(); ++row)
      values.push_back(array->GetScalar(row).ValueOrDie()->ToString());
    return values;
  }
  std::unique_ptr<ProtobufDecoder> decoder;
  event::Decoded last;
};

std::shared_ptr<SchemaShelf> ShelfOf(const judge::Folder& folder) {
  auto shelf = std::make_shared<SchemaShelf>();
  for (const int id : {1, 7, 70000}) {
    shelf->Put(id, judge::Slurp(folder.File(fmt::format("schema-{}.proto", id))), SchemaKind::kProtobuf);
  }
  return shelf;
}

TEST(ProtobufJudgedTest, WritersOfThreeVersionsComeOutAsGooglesRuntimeReadsThem) {
  for (const auto& [seed, batch] : std::vector<std::pair<int, size_t>>{{1, 1000}, {2, 1}}) {
    const judge::Folder folder;
    judge::Python("protobuf_messages.py", fmt::format("make {} {} 200", folder.path().string(), seed));
    const auto shelf = ShelfOf(folder);
    const auto messages = judge::Messages(folder.File("messages"));
    ProtobufDecoder decoder({.schemas = shelf});
    const auto rows = event::DecodeInBatches(decoder, messages, batch);
    ASSERT_FALSE(rows.empty());
    judge::WriteRows(rows, folder.File("rows.arrow"));
    EXPECT_EQ(judge::Python("protobuf_messages.py",
                            fmt::format("judge {} {}", folder.path().string(), folder.File("rows.arrow"))),
              "rows=200\n");
    EXPECT_EQ(shelf->asked, 3);
  }
}

TEST(ProtobufJudgedTest, KeepsTheDecoderContract) {
  const judge::Folder folder;
  judge::Python("protobuf_messages.py", fmt::format("make {} 4 60", folder.path().string()));
  const auto shelf = ShelfOf(folder);
  shelf->Put(9, "{\"type\":\"object\"}", SchemaKind::kJson);
  shelf->Put(10, "message {", SchemaKind::kProtobuf);
  event::DecoderInput input{.good = judge::Messages(folder.File("messages")), .bad = {}, .joined = false};
  const auto framed = [](int32_t id, std::string_view rest) { return schema::SchemaPrefix(id) + std::string(rest); };
  input.bad = {std::string("\0\0\0", 3),
               "{\"id\":1}",
               framed(8, "x"),
               framed(9, "{}"),
               framed(10, std::string("\0", 1)),
               framed(1, ""),                             // no message
               framed(1, "\x02\x02"),                     // the second message of a file that has one
               framed(1, std::string("\0\x0a\x05x", 4)),  // ends inside a text
               framed(1, std::string("\0\x07", 2)),       // a wire type that is none
               framed(1, std::string("\0\x3a\x02\xff\xfe", 5))};
  event::CheckDecoderContract(
      [&] { return std::make_unique<ProtobufDecoder>(ProtobufDecoderOptions{.schemas = shelf}); }, input);
}

TEST(ProtobufDecoderTest, JsonGoesInAndComesOut) {
  Decoding decoding(kOrder);
  const auto schema = ProtobufSchema::Parse(kOrder);
  decoding.Take({schema.Encode(R"({"id": 7, "name": "é", "counts": ["1", 2], "of": {"a": 1}})", *schema.Find("Order")),
                 schema.Encode("{\"item\": {\"sku\": \"x\"}}", *schema.Find("Order"))});
  EXPECT_THAT(decoding.Column("id"), ElementsAre("7", "0"));
  EXPECT_THAT(decoding.Column("name"), ElementsAre("é", ""));
  EXPECT_THAT(decoding.Column("counts"), ElementsAre(HasSubstr("1"), HasSubstr("[]")));
  EXPECT_THAT(decoding.Column("item")[1], HasSubstr("x"));
  for (const std::string wrong : {R"({"id": "x"})", R"({"unknown": 1})", R"({"id": 5000000000})", "[1]"}) {
    EXPECT_THROW(schema.Encode(wrong, *schema.Find("Order")), Error) << wrong;
  }
}

TEST(ProtobufDecoderTest, WhatTheSchemaDoesNotKnowIsRescued) {
  Decoding decoding(R"(syntax = "proto3"; message M { int32 a = 1; Inner inner = 2; message Inner { int32 b = 1; } })");
  const auto wider = ProtobufSchema::Parse(
      R"(syntax = "proto3"; message M { int32 a = 1; Inner inner = 2; string more = 3; repeated fixed32 four = 900 [packed = false];
         message Inner { int32 b = 1; sint32 c = 7; } })");
  decoding.Take(
      {wider.Encode(R"({"a": 1, "inner": {"b": 2, "c": -1}, "more": "né", "four": [4, 5]})", *wider.Find(""))});
  EXPECT_THAT(decoding.Column("a"), ElementsAre("1"));
  const auto rescued = nlohmann::json::parse(decoding.Column("_rescued")[0]);
  EXPECT_EQ(rescued["_unknown_fields"],
            nlohmann::json::parse(R"({"3": "bsOp", "2.7": "1", "900": "4", "900#2": "5"})"));
  EXPECT_EQ(decoding.last.rescued_values, 1u);
}

TEST(ProtobufDecoderTest, AMessageThatHoldsItselfIsJsonBelowTheFirst) {
  Decoding decoding(kOrder);
  const auto schema = ProtobufSchema::Parse(kOrder);
  decoding.Take({schema.Encode(R"({"item": {"sku": "a", "inner": {"sku": "b"}}})", *schema.Find("Order"))});
  EXPECT_THAT(decoding.Column("item")[0], HasSubstr("b"));
  EXPECT_THROW(Decoding(R"(syntax = "proto3"; message M { M self = 1; })"), Error);
}

TEST(ProtobufDecoderTest, HostileNestingAndSizesAreRejected) {
  Decoding decoding(kOrder, {.record_bytes_max = 1 << 16, .depth_max = 20});
  std::string nested;
  for (int level = 0; level < 40; ++level) {
    nested = std::string(1, level == 39 ? '\x1a' : '\x12') + static_cast<char>(nested.size()) + nested;
  }
  const auto& rejects = decoding.Take({nested, std::string((1 << 16) + 1, '\x08')}).rejects;
  ASSERT_EQ(rejects.size(), 2u);
  EXPECT_EQ(rejects[0].cause, RejectCause::kTooDeep);
  EXPECT_EQ(rejects[1].cause, RejectCause::kTooLarge);

  // Twenty kilobytes of empty messages with two hundred defaults each.
  std::string wide = "syntax = \"proto3\"; message M { repeated W w = 1; } message W {";
  for (int i = 1; i <= 200; ++i) wide += fmt::format("fixed64 f{} = {};", i, i);
  Decoding blown(wide + "}", {.record_bytes_max = 1 << 20});
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += std::string("\x0a\0", 2);
  const auto& large = blown.Take({many}).rejects;
  ASSERT_EQ(large.size(), 1u);
  EXPECT_EQ(large[0].cause, RejectCause::kTooLarge);
}

TEST(ProtobufDecoderTest, AChainOfMessagesThatIsTooLongIsRejected) {
  std::string chain = "syntax = \"proto3\"; ";
  for (int i = 0; i < 20'000; ++i) chain += fmt::format("message M{} {{ M{} m = 1; }} ", i, i + 1);
  const auto shelf = std::make_shared<SchemaShelf>();
  shelf->Put(1, chain + "message M20000 {}", SchemaKind::kProtobuf);
  ProtobufDecoder decoder({.schemas = shelf});
  const auto decoded = event::DecodeChecked(decoder, {schema::SchemaPrefix(1) + std::string("\0\x0a\0", 3)}, false);
  ASSERT_EQ(decoded.rejects.size(), 1u);
  EXPECT_THAT(decoded.rejects[0].detail, HasSubstr("levels"));
  EXPECT_THROW(Decoding(chain + "message M20000 {}"), Error);
}

TEST(ProtobufDecoderTest, NoBytesHarmIt) {
  const judge::Folder folder;
  judge::Python("protobuf_messages.py", fmt::format("make {} 5 40", folder.path().string()));
  const auto messages = judge::Messages(folder.File("messages"));
  const auto shelf = ShelfOf(folder);
  ProtobufDecoder decoder({.schemas = shelf});
  Random random(11);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> harmed;
    for (auto message : messages) {
      for (int i = 0; i < 3 && message.size() > 6; ++i) {
        message[5 + random.Below(message.size() - 5)] = static_cast<char>(random.Below(256));
      }
      if (random.Below(3) == 0) message.resize(5 + random.Below(message.size() - 5));
      harmed.push_back(std::move(message));
    }
    event::DecodeChecked(decoder, harmed, false);
  }
}

TEST(ProtobufDecoderTest, SaysWhatIsWrongWithItsFiles) {
  const auto why = [](ProtobufDecoderOptions options) {
    try {
      const ProtobufDecoder decoder(std::move(options));
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("nothing");
  };
  EXPECT_THAT(why({.files = {{"a.proto", "syntax = \"proto3\";\nmessage M { int32 a = x; }"}}}), HasSubstr("line 2"));
  EXPECT_THAT(why({.files = {{"a.proto", kOrder}}, .message = "Orders"}), HasSubstr("no message Orders"));
  EXPECT_THAT(why({.files = {{"a.proto", "import \"b.proto\";"}}}), HasSubstr("b.proto"));
  EXPECT_THAT(why({}), HasSubstr("need a .proto file"));
  EXPECT_EQ(why({.files = {{"b.proto", kOrder},
                           {"a.proto", "syntax = \"proto3\"; import \"b.proto\"; message M { Order o = 1; }"}}}),
            "nothing");
}

}  // namespace
}  // namespace millrace::decode
