#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/bytes.h"
#include "source/rest_proxy/embedded_format.h"
#include "source/rest_proxy/json_members.h"
#include "source/rest_proxy/proxy_topics.h"
#include "source/rest_proxy/records_in_making.h"
#include "source/rest_proxy/rest_refusal.h"
#include "source/rest_proxy/v2_request.h"
#include "source/rest_proxy/v3_record.h"

namespace millrace::source {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

int CodeOf(const std::function<void()>& body) {
  try {
    body();
  } catch (const RestRefusal& refusal) {
    return refusal.code();
  }
  return 200;
}

/// However the bytes come in, the same objects are cut out.
TEST(ObjectSplitter, CutsTheSameWhereverPiecesEnd) {
  const std::string text = R"({"a":"}{\"\\"} {"b":[{},{"c":1}]})"
                           "\n\r\n\t"
                           R"({}{"d":")"
                           "\xE2\x82\xAC"
                           R"("}{"open":)";
  const std::vector<std::string> expected = {R"({"a":"}{\"\\"})", R"({"b":[{},{"c":1}]})", "{}",
                                             "{\"d\":\"\xE2\x82\xAC\"}"};
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    ObjectSplitter splitter;
    std::string pending;
    std::vector<std::string> objects;
    for (size_t at = 0; at < text.size(); at += piece) {
      pending += text.substr(at, piece);
      const auto cut = splitter.Cut(pending, 100);
      ASSERT_TRUE(cut.strange.empty());
      for (const auto& object : cut.objects) objects.push_back(pending.substr(object.begin, object.size));
      pending.erase(0, cut.end);
    }
    EXPECT_EQ(objects, expected) << piece;
    EXPECT_EQ(pending, R"({"open":)");
  }
}

TEST(ObjectSplitter, StopsAtWhatIsNoObject) {
  ObjectSplitter splitter;
  const auto cut = splitter.Cut("{} 7 {}", 100);
  EXPECT_EQ(cut.objects.size(), 1U);
  EXPECT_THAT(cut.strange, HasSubstr("'7 {}'"));
  ObjectSplitter limited;
  EXPECT_EQ(limited.Cut("{}{}{}", 2).objects.size(), 2U);
}

V2Request Parsed(const std::string& body) {
  static std::shared_ptr<const PaddedBuffer> padded;
  padded = PaddedBuffer::CopyOf(body);
  return ParseV2(padded->view(), 3);
}

TEST(ParseV2, KeepsWhatItIsGiven) {
  const auto request = Parsed(
      R"( {"value_schema_id":7,"key_schema":"\"string\"","records":[{"key": {"a" : 1} ,"value":1.50,"partition":3},{"value":null},{}]} )");
  EXPECT_EQ(request.value_schema.id, 7);
  EXPECT_EQ(request.key_schema.text, "\"string\"");
  ASSERT_EQ(request.records.size(), 3U);
  EXPECT_EQ(request.records[0].key, R"({"a" : 1})");
  EXPECT_EQ(request.records[0].value, "1.50") << "numbers stay as they were written";
  EXPECT_EQ(request.records[0].partition, 3);
  EXPECT_EQ(request.records[1].value, "null");
  EXPECT_EQ(request.records[2].value, "");
}

TEST(ParseV2, RefusesTheRest) {
  for (const auto& [body, code] : {std::pair{"{\"records\":[{\"value\":1}]", 400},
                                   {"[]", 400},
                                   {"", 42206},
                                   {"{}", 422},
                                   {"{\"records\":{}}", 422},
                                   {"{\"records\":[[]]}", 422},
                                   {"{\"records\":[{\"valeu\":1}]}", 422},
                                   {"{\"recrods\":[]}", 422},
                                   {"{\"records\":[{\"partition\":-1}]}", 40402},
                                   {"{\"records\":[{\"partition\":3000000000}]}", 422},
                                   {"{\"records\":[{\"partition\":1.0}]}", 422},
                                   {"{\"records\":[{},{},{},{}]}", 413},
                                   {"{\"key_schema_id\":\"1\",\"records\":[{}]}", 422},
                                   {"{\"key_schema\":{},\"records\":[{}]}", 422}}) {
    EXPECT_EQ(CodeOf([&, &body = body] { Parsed(body); }), code) << body;
  }
}

V3Record Record(const std::string& body) {
  static std::shared_ptr<const PaddedBuffer> padded;
  padded = PaddedBuffer::CopyOf(body);
  return ParseV3(padded->view());
}

TEST(ParseV3, KeepsWhatItIsGiven) {
  const auto record = Record(
      R"({"partition_id":1,"headers":[{"name":"h","value":"YQ=="},{"name":"n"}],"key":{"type":"BINARY","data":"Zm9v"},)"
      R"("value":{"subject":"s","schema_version":2,"data":{"a":1}},"timestamp":"2021-02-05T19:14:42Z"})");
  EXPECT_EQ(record.partition, 1);
  EXPECT_THAT(record.headers,
              ElementsAre(testing::Pair("h", testing::Optional(std::string("a"))), testing::Pair("n", std::nullopt)));
  EXPECT_EQ(record.key.format, EmbeddedFormat::kBinary);
  EXPECT_EQ(record.value.format, std::nullopt);
  EXPECT_EQ(record.value.schema_version, 2);
  EXPECT_EQ(record.value.json, R"({"a":1})");
  EXPECT_EQ(record.time, ParseTimestamp("2021-02-05T19:14:42Z"));
  EXPECT_FALSE(Record("{}").value.there);
  EXPECT_TRUE(Record(R"({"value":{"type":"JSON","data":null}})").value.is_null());
}

TEST(ParseV3, RefusesTheRest) {
  for (const auto& [body, code] : {std::pair{R"({"value":})", 400},
                                   {R"({"values":{}})", 400},
                                   {R"({"value":1})", 400},
                                   {R"({"value":{"type":"PROTOBUF","data":1}})", 400},
                                   {R"({"value":{"type":"JSON","schema_id":1}})", 400},
                                   {R"({"value":{"type":"STRING","subject":"s"}})", 400},
                                   {R"({"value":{"schema_id":1,"schema_version":1}})", 400},
                                   {R"({"value":{"schema":"\"int\""}})", 400},
                                   {R"({"value":{"subject_name_strategy":"RECORD_NAME"}})", 400},
                                   {R"({"headers":{"a":"b"}})", 400},
                                   {R"({"headers":[{"value":"YQ=="}]})", 400},
                                   {R"({"headers":[{"name":"a","value":"?"}]})", 400},
                                   {R"({"timestamp":"yesterday"})", 400},
                                   {R"({"partition_id":-1})", 40402}}) {
    EXPECT_EQ(CodeOf([&, &body = body] { Record(body); }), code) << body;
  }
}

TEST(BytesOf, IsAsTheFormatSays) {
  const auto bytes = [](const std::string& json, EmbeddedFormat format) {
    return BytesOf(PaddedBuffer::CopyOf(json)->view(), format, nullptr);
  };
  EXPECT_EQ(bytes("null", EmbeddedFormat::kBinary), std::nullopt);
  EXPECT_EQ(bytes("\"AAE=\"", EmbeddedFormat::kBinary), std::string("\0\1", 2));
  EXPECT_EQ(bytes("\"a\\u20ac\"", EmbeddedFormat::kString), "a\xE2\x82\xAC");
  EXPECT_EQ(bytes("{\"a\":\n 1.50, \"b\":\"\\n\"}", EmbeddedFormat::kJson), R"({"a":1.50,"b":"\n"})");
  EXPECT_EQ(bytes("{\"a\": 1}", EmbeddedFormat::kJson), "{\"a\":1}");
  EXPECT_EQ(CodeOf([&] { bytes("1", EmbeddedFormat::kString); }), 400);
  EXPECT_EQ(CodeOf([&] { bytes("\"a\"", EmbeddedFormat::kBinary); }), 400);
}

TEST(FormatOfType, IsConfluents) {
  EXPECT_EQ(FormatOfType("application/vnd.kafka.avro.v2+json; charset=utf-8"), EmbeddedFormat::kAvro);
  EXPECT_EQ(FormatOfType("application/vnd.kafka.JSON.v2+json"), EmbeddedFormat::kJson);
  EXPECT_EQ(FormatOfType("application/vnd.kafka.v2+json"), EmbeddedFormat::kBinary);
  EXPECT_EQ(CodeOf([] { FormatOfType("application/vnd.kafka.protobuf.v2+json"); }), 415);
  EXPECT_EQ(CodeOf([] { FormatOfType(""); }), 415);
}

TEST(MatchesName, TakesAStarForAnything) {
  EXPECT_TRUE(MatchesName("orders", "orders"));
  EXPECT_FALSE(MatchesName("orders", "orders2"));
  EXPECT_TRUE(MatchesName("a.*", "a."));
  EXPECT_TRUE(MatchesName("*", "x"));
  EXPECT_TRUE(MatchesName("a*b*c", "a1b2bc"));
  EXPECT_FALSE(MatchesName("a*b*c", "a1b2"));
}

TEST(RecordsInMaking, SaysOnlyWhatIsNeeded) {
  RecordsInMaking plain(100);
  plain.Add({.key = std::nullopt, .value = "a"});
  plain.Add({.key = "", .value = ""});
  const auto request = plain.Finish("t", Timestamp(std::chrono::seconds(1)));
  EXPECT_TRUE(request.details.empty());
  EXPECT_TRUE(request.events->keys.empty());
  EXPECT_TRUE(request.events->newline_joined);
  EXPECT_EQ(request.events->timestamp(1), Timestamp(std::chrono::seconds(1)));

  RecordsInMaking all(100);
  all.Add({.key = "k", .value = "a\nb"});
  all.Add({.key = std::nullopt, .value = std::nullopt, .partition = 2, .time = Timestamp(std::chrono::seconds(9))});
  all.Add({.key = std::nullopt, .value = "c"});
  const auto more = all.Finish("t", Timestamp(std::chrono::seconds(1)));
  ASSERT_EQ(more.details.size(), 3U);
  EXPECT_EQ(more.details[1].partition, 2);
  EXPECT_TRUE(more.details[1].null_value);
  EXPECT_FALSE(more.details[2].null_value);
  EXPECT_FALSE(more.events->newline_joined);
  EXPECT_EQ(more.events->key(0), "k");
  EXPECT_EQ(more.events->record(2), "c");
  EXPECT_EQ(more.events->timestamp(0), Timestamp(std::chrono::seconds(1)));
  EXPECT_EQ(more.events->timestamp(1), Timestamp(std::chrono::seconds(9)));

  RecordsInMaking full(3);
  EXPECT_THROW(full.Add({.key = "kk", .value = "vv"}), io::HttpRefusal);
}

}  // namespace
}  // namespace millrace::source
