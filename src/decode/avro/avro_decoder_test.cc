#include "decode/avro/avro_decoder.h"

#include <arrow/api.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>

#include "base/error.h"
#include "base/hand_clock.h"
#include "contract/decoder_contract.h"
#include "contract/schema_shelf.h"
#include "decode/framed_decoder.h"
#include "decode/json_decoder.h"
#include "io/outage_patience.h"
#include "judge/messages.h"
#include "judge/python.h"
#include "schema/avro/avro_encode.h"

namespace millrace::decode {
namespace {

using event::RejectCause;
using judge::Messages;
using judge::WriteRows;
using schema::ContractMode;
using schema::SchemaShelf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

/// A decoder, the registry it asks, and what it made of the last messages.
class Decoding {
 public:
  explicit Decoding(AvroDecoderOptions options = {}) {
    options.schemas = shelf;
    decoder = std::make_unique<AvroDecoder>(std::move(options));
  }
  void Schema(int32_t id, const std::string& fields) {
    texts_[id] = R"({"type":"record","name":"R","fields":[)" + fields + "]}";
    shelf->Put(id, texts_[id]);
  }
  /// A message of JSON in Avro's bytes.
  std::string Message(int32_t id, const std::string& json) const {
    schema::AvroEncoder out;
    EncodeAvro(nlohmann::json::parse(json), schema::AvroSchema::Parse(texts_.at(id)).root(), out);
    return schema::SchemaPrefix(id) + std::string(out.bytes());
  }
  const event::Decoded& Take(const std::vector<std::string>& messages) {
    last = event::DecodeChecked(*decoder, messages, false);
    return last;
  }
  std::vector<std::string> Column(const std::string& name) const {
    std::vector<std::string> values;
    const auto array = last.rows ? last.rows->GetColumnByName(name) : nullptr;
    if (!array) return {"no such column"};
    for (int64_t row = 0; row < array->length(); ++row)
      values.push_back(array->GetScalar(row).ValueOrDie()->ToString());
    return values;
  }
  std::string Type(const std::string& name) const {
    const auto field = decoder->schema()->GetFieldByName(name);
    return field ? field->type()->ToString() : "no such column";
  }

  std::shared_ptr<SchemaShelf> shelf = std::make_shared<SchemaShelf>();
  std::unique_ptr<AvroDecoder> decoder;
  event::Decoded last;

 private:
  std::map<int32_t, std::string> texts_;
};

TEST(AvroJudgedTest, WritersOfThreeVersionsComeOutAsFastavroReadsThem) {
  for (const auto& [seed, batch] : std::vector<std::pair<int, size_t>>{{1, 1000}, {2, 1}}) {
    const judge::Folder folder;
    judge::Python("avro_messages.py", fmt::format("make {} {} 200", folder.path().string(), seed));
    auto shelf = std::make_shared<SchemaShelf>();
    for (const int id : {1, 7, 70000}) shelf->Put(id, judge::Slurp(folder.File(fmt::format("schema-{}.avsc", id))));
    const auto messages = Messages(folder.File("messages"));
    AvroDecoder decoder({.schemas = shelf});
    const auto rows = event::DecodeInBatches(decoder, messages, batch);
    ASSERT_FALSE(rows.empty());
    WriteRows(rows, folder.File("rows.arrow"));
    EXPECT_EQ(judge::Python("avro_messages.py",
                            fmt::format("judge {} {}", folder.path().string(), folder.File("rows.arrow"))),
              "rows=200\n");
    EXPECT_EQ(shelf->asked, 3);
  }
}

TEST(AvroJudgedTest, KeepsTheDecoderContract) {
  const judge::Folder folder;
  judge::Python("avro_messages.py", fmt::format("make {} 4 60", folder.path().string()));
  auto shelf = std::make_shared<SchemaShelf>();
  for (const int id : {1, 7, 70000}) shelf->Put(id, judge::Slurp(folder.File(fmt::format("schema-{}.avsc", id))));
  shelf->Put(9, "{\"type\":\"object\"}", schema::SchemaKind::kJson);
  shelf->Put(10, "\"string\"");
  event::DecoderInput input{.good = Messages(folder.File("messages")), .bad = {}, .joined = false};
  const std::string good = input.good.front();
  input.bad = {std::string("\0\0\0", 3),
               "{\"id\":1}",
               schema::SchemaPrefix(8) + "x",
               schema::SchemaPrefix(9) + "{}",
               schema::SchemaPrefix(10) + "\2a",
               good.substr(0, good.size() - 1),
               good + "x",
               good.substr(0, 5)};
  event::CheckDecoderContract([&] { return std::make_unique<AvroDecoder>(AvroDecoderOptions{.schemas = shelf}); },
                              input);
}

TEST(AvroDecoderTest, AColumnTakesWhatAWiderWriterSends) {
  Decoding decoding;
  decoding.Schema(1, R"({"name":"a","type":"int"},{"name":"f","type":"float"})");
  decoding.Schema(2,
                  R"({"name":"a","type":"long"},{"name":"b","type":["null","string"]},{"name":"f","type":"double"})");
  decoding.Take({decoding.Message(1, R"({"a":1,"f":1.5})")});
  EXPECT_EQ(decoding.Type("a"), "int32");
  decoding.Take({decoding.Message(1, R"({"a":1,"f":1.5})"), decoding.Message(2, R"({"a":5000000000,"b":"x","f":0.1})"),
                 decoding.Message(1, R"({"a":3,"f":2})")});
  EXPECT_THAT(decoding.Column("a"), ElementsAre("1", "5000000000", "3"));
  EXPECT_THAT(decoding.Column("b"), ElementsAre("null", "x", "null"));
  EXPECT_THAT(decoding.Column("f"), ElementsAre("1.5", "0.1", "2"));
  EXPECT_EQ(decoding.Type("a"), "int64");
}

TEST(AvroDecoderTest, WhatDoesNotFitIsRescuedOrRejectedAsTheContractSays) {
  const std::string first = R"({"name":"a","type":"int"},{"name":"s","type":{"type":"array","items":"int"}})";
  const std::string second = R"({"name":"a","type":"long"},{"name":"s","type":"string"},{"name":"A","type":"int"},)"
                             R"({"name":"new","type":{"type":"map","values":"double"}})";
  for (const auto mode : {ContractMode::kDiscardValue, ContractMode::kDiscardRow}) {
    Decoding decoding({.contract = {.columns = mode, .types = mode}});
    decoding.Schema(1, first);
    decoding.Schema(2, second);
    decoding.Take({decoding.Message(1, R"({"a":1,"s":[1,2]})")});
    decoding.Take({decoding.Message(2, R"({"a":5000000000,"s":"x","A":4,"new":{"k":0.5}})")});
    if (mode == ContractMode::kDiscardRow) {
      EXPECT_EQ(decoding.last.rejects.at(0).cause, RejectCause::kContract);
      continue;
    }
    EXPECT_THAT(decoding.Column("_rescued"), ElementsAre(R"({"a":5000000000,"s":"x","A":4,"new":{"k":0.5}})"));
    EXPECT_THAT(decoding.last.unknown_columns, ElementsAre(Pair("new", 1u)));
    EXPECT_EQ(decoding.last.rescued_values, 4u);
  }
}

TEST(AvroDecoderTest, FreezeIsACauseOfItsOwn) {
  const std::string first = R"({"name":"a","type":"int"})";
  for (const auto& [second, json] : std::vector<std::pair<std::string, std::string>>{
           {R"({"name":"a","type":"string"})", R"({"a":"x"})"},
           {R"({"name":"a","type":"int"},{"name":"b","type":"int"})", R"({"a":2,"b":1})"},
           {R"({"name":"a","type":["null","int"]})", R"({"a":null})"},
           {R"({"name":"b","type":["null","int"]})", R"({"b":null})"}}) {
    Decoding decoding({.contract = {.columns = ContractMode::kFreeze, .types = ContractMode::kFreeze}});
    decoding.Schema(1, first);
    decoding.Take({decoding.Message(1, R"({"a":1})")});
    auto columns = decoding.decoder->schema()->fields();
    columns[0] = columns[0]->WithNullable(false);
    decoding.decoder->Adopt(arrow::schema(columns));
    decoding.Schema(2, second);
    decoding.Take({decoding.Message(2, json)});
    ASSERT_EQ(decoding.last.rejects.size(), 1u) << second;
    EXPECT_EQ(decoding.last.rejects[0].cause, RejectCause::kFrozen) << second;
  }
}

TEST(AvroDecoderTest, ASchemaThatFindsNoRoomChangesNothing) {
  std::string wide = R"({"name":"a","type":"long"},{"name":"b","type":"int"})";
  for (int i = 0; i < 6; ++i) wide += fmt::format(R"(,{{"name":"f{}","type":"int"}})", i);
  Decoding decoding({.columns_max = 8});
  decoding.Schema(1, R"({"name":"a","type":"int"},{"name":"c","type":"int"})");
  decoding.Schema(2, wide);
  decoding.Schema(3, R"({"name":"a","type":"int"},{"name":"c","type":"int"},{"name":"d","type":"int"})");
  std::string values = R"({"a":5000000000,"b":1)";
  for (int i = 0; i < 6; ++i) values += fmt::format(R"(,"f{}":1)", i);
  const auto narrow = decoding.Message(1, R"({"a":1,"c":7})"), refused = decoding.Message(2, values + "}");
  std::vector<std::string> messages{narrow, refused};
  messages.insert(messages.end(), 1'000, narrow);
  for (int batch = 0; batch < 2; ++batch) {
    decoding.Take(messages);
    ASSERT_EQ(decoding.last.rejects.size(), 1u);
    EXPECT_THAT(decoding.last.rejects[0].detail, HasSubstr("columns"));
    EXPECT_THAT(decoding.Column("a"), testing::Each("1"));
    EXPECT_EQ(decoding.Type("b"), "no such column");
    EXPECT_EQ(decoding.Type("a"), "int32");
  }
  decoding.Take({decoding.Message(3, R"({"a":1,"c":7,"d":9})")});
  EXPECT_THAT(decoding.Column("d"), ElementsAre("9")) << "there was room for this one";
}

TEST(AvroDecoderTest, SchemasThatReadersWantAreCheckedAtOnce) {
  const auto code_of = [](const std::string& fields, int columns_max) -> std::optional<ErrorCode> {
    try {
      AvroDecoder({.schemas = std::make_shared<SchemaShelf>(),
                   .known_schemas = {R"({"type":"record","name":"R","fields":[)" + fields + "]}"},
                   .columns_max = columns_max});
    } catch (const Error& error) {
      return error.code();
    }
    return std::nullopt;
  };
  const std::string good = R"({"name":"a","type":"int","default":1},{"name":"b","type":"int"})";
  EXPECT_EQ(code_of(good, 3), std::nullopt);
  EXPECT_EQ(code_of(good, 1), ErrorCode::kConfig);
  const std::string bad = R"({"name":"in","type":{"type":"record","name":"I","fields":[)"
                          R"({"name":"a","type":"int","default":"x"}]}})";
  EXPECT_EQ(code_of(bad, 10), ErrorCode::kConfig);
}

/// Knows one schema, and fails at others.
class FailingLookup final : public schema::SchemaLookup {
 public:
  explicit FailingLookup(ErrorCode code) : code_(code) {}
  schema::RegisteredSchemaPtr Find(int32_t id) override {
    ++asked;
    if (id != 1) throw Error(code_, "it is damaged there");
    return std::make_shared<const schema::RegisteredSchema>(schema::RegisteredSchema{
        .id = 1, .text = R"({"type":"record","name":"R","fields":[{"name":"a","type":"int"}]})"});
  }
  int asked = 0;

 private:
  const ErrorCode code_;
};

TEST(AvroDecoderTest, ASchemaThatIsDamagedInTheRegistryCostsItsRecordsOnly) {
  const auto lookup = std::make_shared<FailingLookup>(ErrorCode::kData);
  AvroDecoder decoder({.schemas = lookup});
  const std::vector<std::string> messages = {schema::SchemaPrefix(1) + "\2", schema::SchemaPrefix(2) + "\2",
                                             schema::SchemaPrefix(2) + "\2", schema::SchemaPrefix(1) + "\4"};
  const auto decoded = event::DecodeChecked(decoder, messages, false);
  EXPECT_EQ(decoded.rows->num_rows(), 2);
  EXPECT_THAT(decoded.rejects.at(0).detail, HasSubstr("is of schema 2: it is damaged there"));
  EXPECT_EQ(lookup->asked, 2);
  AvroDecoder stopped({.schemas = std::make_shared<FailingLookup>(ErrorCode::kConfig)});
  EXPECT_THROW(event::DecodeChecked(stopped, messages, false), Error) << "who may not ask learns nothing of records";
}

/// Answers at the third call.
class LateLookup final : public schema::SchemaLookup {
 public:
  schema::RegisteredSchemaPtr Find(int32_t id) override {
    if (++asked < 3) throw Error(ErrorCode::kUnavailable, "it does not answer");
    return FailingLookup(ErrorCode::kInternal).Find(id);
  }
  int asked = 0;
};

TEST(AvroDecoderTest, AnOutageOfTheRegistryIsWaitedForByWhoIsPatient) {
  const std::vector<std::string> messages = {schema::SchemaPrefix(1) + "\2"};
  AvroDecoder impatient({.schemas = std::make_shared<LateLookup>()});
  EXPECT_THROW(event::DecodeChecked(impatient, messages, false), Error);
  AvroDecoder decoder({.schemas = std::make_shared<LateLookup>()});
  const HandClock clock;
  int waits = 0, ends = 0;
  std::stop_source stop;
  {
    const io::OutagePatience patience(
        stop.get_token(),
        {.on_wait = [&](const std::string&, std::chrono::milliseconds) { ++waits; }, .on_end = [&] { ++ends; }}, clock);
    EXPECT_EQ(event::DecodeChecked(decoder, messages, false).rows->num_rows(), 1);
    EXPECT_EQ(waits, 2);
    EXPECT_EQ(ends, 1);
    stop.request_stop();
    AvroDecoder stopped({.schemas = std::make_shared<LateLookup>()});
    EXPECT_THROW(event::DecodeChecked(stopped, messages, false), Error);
  }
}

TEST(FramedDecoderTest, NumbersThatNobodyKnowsCostLittle) {
  const auto shelf = std::make_shared<SchemaShelf>();
  shelf->Put(1, R"({"type":"object"})", schema::SchemaKind::kJson);
  shelf->Put(2, R"("int")");
  FramedDecoder decoder(std::make_unique<JsonDecoder>(JsonDecoderOptions{}), shelf, schema::SchemaKind::kJson);
  std::vector<std::string> messages{schema::SchemaPrefix(1) + R"({"a":1})", schema::SchemaPrefix(2) + R"({"a":1})",
                                    R"({"a":1})"};
  for (int id = 100; id < 1'100; ++id) messages.push_back(schema::SchemaPrefix(id) + "{}");
  for (int batch = 0; batch < 10; ++batch) {
    const auto decoded = event::DecodeChecked(decoder, messages, false);
    EXPECT_EQ(decoded.rows->num_rows(), 1);
    EXPECT_EQ(decoded.rejects.size(), 1'002u);
    EXPECT_THAT(decoded.rejects[0].detail, HasSubstr("AVRO and not JSON"));
  }
  EXPECT_LE(shelf->asked, 1'002) << "none is asked for in every batch";
}

TEST(AvroDecoderTest, ReadersSchemasGiveDefaultsAndNewNames) {
  const std::string wanted =
      R"({"type":"record","name":"R","fields":[{"name":"id","type":"long"},)"
      R"({"name":"full_name","aliases":["name"],"type":"string"},{"name":"level","type":"int","default":3},)"
      R"({"name":"tags","type":{"type":"array","items":"string"},"default":["x"]},)"
      R"({"name":"gone","type":["null","string"],"default":null}]})";
  Decoding decoding({.known_schemas = {wanted}});
  EXPECT_EQ(decoding.Type("level"), "int32") << "columns are there before the first message";
  decoding.Schema(1, R"({"name":"id","type":"int"},{"name":"name","type":"string"})");
  decoding.Schema(2,
                  R"({"name":"id","type":"long"},{"name":"full_name","type":"string"},{"name":"level","type":"int"})");
  decoding.Take({decoding.Message(1, R"({"id":1,"name":"Ada"})"),
                 decoding.Message(2, R"({"id":2,"full_name":"Bob","level":9})")});
  EXPECT_THAT(decoding.Column("full_name"), ElementsAre("Ada", "Bob"));
  EXPECT_THAT(decoding.Column("level"), ElementsAre("3", "9"));
  EXPECT_THAT(decoding.Column("tags"), ElementsAre("list<element: string>[x]", "list<element: string>[x]"));
  EXPECT_THAT(decoding.Column("gone"), ElementsAre("null", "null"));
}

TEST(AvroDecoderTest, DeclaredColumnsTakeText) {
  using namespace arrow;
  Decoding decoding({.columns = arrow::schema({field("at", timestamp(TimeUnit::MICRO, "UTC")), field("d", date32()),
                                               field("p", decimal128(9, 2)), field("j", utf8())}),
                     .json_columns = {"j"}});
  decoding.Schema(1, R"({"name":"at","type":"string"},{"name":"d","type":"string"},{"name":"p","type":"string"},)"
                     R"({"name":"j","type":{"type":"map","values":"int"}})");
  decoding.Take({decoding.Message(1, R"({"at":"2021-07-21T06:00:00Z","d":"2021-07-21","p":"1.5","j":{"k":1}})"),
                 decoding.Message(1, R"({"at":"soon","d":"","p":"much","j":{}})")});
  EXPECT_THAT(decoding.Column("d"), ElementsAre("2021-07-21", "null"));
  EXPECT_THAT(decoding.Column("p"), ElementsAre("1.50", "null"));
  EXPECT_THAT(decoding.Column("j"), ElementsAre(R"({"k":1})", "{}"));
  EXPECT_THAT(decoding.Column("_rescued"), ElementsAre("null", R"({"at":"soon","d":"","p":"much"})"));
}

TEST(AvroDecoderTest, RecursiveTypesBecomeJson) {
  Decoding decoding;
  decoding.Schema(1, R"({"name":"tree","type":{"type":"record","name":"Tree","fields":[{"name":"v","type":"int"},)"
                     R"({"name":"next","type":["null","Tree"]}]}})");
  decoding.Take({decoding.Message(1, R"({"tree":{"v":1,"next":{"v":2,"next":null}}})")});
  EXPECT_THAT(decoding.Column("tree"), ElementsAre(R"({"v":1,"next":{"v":2,"next":null}})"));
  std::string deep = R"({"v":1,"next":null})";
  for (int i = 0; i < 30; ++i) deep = R"({"v":1,"next":)" + deep + "}";
  std::string message = decoding.Message(1, R"({"tree":)" + deep + "}");
  // The encoder has a limit of its own: go on by hand.
  message.pop_back();
  for (int i = 0; i < 100; ++i) message += std::string("\2\2");
  message += '\0';
  EXPECT_EQ(decoding.Take({message}).rejects.at(0).cause, RejectCause::kTooDeep);
}

TEST(AvroDecoderTest, OtherFramings) {
  const std::string text = R"({"type":"record","name":"R","fields":[{"name":"a","type":"int"}]})";
  AvroDecoder plain({.framing = AvroFraming::kNone, .known_schemas = {text}});
  EXPECT_EQ(event::DecodeChecked(plain, {"\2", "\4"}, false).rows->num_rows(), 2);
  AvroDecoder single({.framing = AvroFraming::kSingleObject, .known_schemas = {text}});
  // CRC-64-AVRO of the canonical form, from fastavro.schema.fingerprint(..., "CRC-64-AVRO").
  const auto print = schema::Fingerprint(schema::AvroSchema::Parse(text).root());
  std::string message = "\xC3\x01";
  for (int shift = 0; shift < 64; shift += 8) message += static_cast<char>(print >> shift & 0xff);
  const auto decoded = event::DecodeChecked(single,
                                            {message + "\2",
                                             "\xC3\x01"
                                             "12345678\2",
                                             "x"},
                                            false);
  EXPECT_EQ(decoded.rows->num_rows(), 1);
  EXPECT_THAT(decoded.rejects.at(0).detail, HasSubstr("fingerprint"));
  EXPECT_THROW(AvroDecoder({.framing = AvroFraming::kNone}), Error);
  EXPECT_THROW(AvroDecoder({.framing = AvroFraming::kNone, .known_schemas = {"{"}}), Error);
}

TEST(AvroDecoderTest, NumbersThatNobodyKnowsAreAskedForNowAndThen) {
  Decoding decoding;
  decoding.Schema(1, R"({"name":"a","type":"int"})");
  std::vector<std::string> unknown;
  for (int id = 100; id < 1100; ++id) unknown.push_back(schema::SchemaPrefix(id) + "\2");
  EXPECT_EQ(decoding.Take(unknown).rejects.size(), 1000u);
  EXPECT_EQ(decoding.shelf->asked, 100);
  decoding.shelf->Put(100, R"({"type":"record","name":"R","fields":[{"name":"a","type":"int"}]})");
  for (int batch = 0; batch < 20; ++batch) decoding.Take({schema::SchemaPrefix(100) + "\2"});
  EXPECT_THAT(decoding.Column("a"), ElementsAre("1"));
}

TEST(AvroDecoderTest, HostileSchemasAndMessagesAreRefused) {
  Decoding decoding;
  // A type named often multiplies: 2^20 columns.
  std::string bomb =
      R"({"type":"record","name":"R","fields":[{"name":"f0","type":{"type":"record","name":"T0","fields":[{"name":"x","type":"int"}]}})";
  for (int i = 1; i < 20; ++i) {
    bomb += fmt::format(
        R"(,{{"name":"f{}","type":{{"type":"record","name":"T{}","fields":[{{"name":"a","type":"T{}"}},{{"name":"b","type":"T{}"}}]}}}})",
        i, i, i - 1, i - 1);
  }
  decoding.shelf->Put(1, bomb + "]}");
  decoding.shelf->Put(
      2,
      R"({"type":"record","name":"R","fields":[{"name":"n","type":{"type":"array","items":{"type":"record","name":"E","fields":[]}}}]})");
  decoding.shelf->Put(3, R"({"type":"record","name":"R","fields":[{"name":"s","type":"string"}]})");
  decoding.shelf->Put(4, R"({"type":"record","name":"R","fields":[{"name":"s","type":"R"}]})");
  const std::string many("\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", 9);
  const auto& decoded = decoding.Take({schema::SchemaPrefix(1) + "x", schema::SchemaPrefix(2) + many,
                                       schema::SchemaPrefix(3) + "\4\xff\xfe", schema::SchemaPrefix(3) + many,
                                       schema::SchemaPrefix(4) + "x"});
  ASSERT_EQ(decoded.rejects.size(), 5u);
  EXPECT_THAT(decoded.rejects[0].detail, HasSubstr("columns"));
  EXPECT_EQ(decoded.rejects[2].cause, RejectCause::kInvalidUtf8);
}

}  // namespace
}  // namespace millrace::decode
