#include "decode/json_decoder.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace::decode {
namespace {

using event::Decoded;
using event::EventBatch;
using event::RejectCause;
using schema::ContractMode;
using testing::ElementsAre;
using testing::Pair;

EventBatch Batch(const std::vector<std::string>& records, bool joined = true) {
  std::string payload;
  EventBatch batch;
  for (const auto& record : records) {
    batch.records.push_back({static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(record.size())});
    payload += record;
    if (joined) payload += '\n';
  }
  batch.payload = PaddedBuffer::CopyOf(payload);
  batch.newline_joined = joined;
  return batch;
}

/// Decodes the records in one batch, joined and apart; both must agree.
class Decoding {
 public:
  explicit Decoding(JsonDecoderOptions options = {}) : joined_(options), apart_(options) {}

  const Decoded& Take(const std::vector<std::string>& records) {
    last_ = joined_.Decode(Batch(records, true));
    const auto apart = apart_.Decode(Batch(records, false));
    EXPECT_EQ(last_.rows == nullptr, apart.rows == nullptr);
    if (last_.rows && apart.rows) {
      EXPECT_TRUE(last_.rows->Equals(*apart.rows, true)) << last_.rows->ToString() << apart.rows->ToString();
      EXPECT_TRUE(last_.rows->ValidateFull().ok()) << last_.rows->ValidateFull().ToString();
      EXPECT_TRUE(last_.rows->schema()->Equals(*joined_.schema()));
    }
    EXPECT_EQ(last_.rejects.size(), apart.rejects.size());
    EXPECT_EQ(last_.blank, apart.blank);
    const int64_t rows = last_.rows ? last_.rows->num_rows() : 0;
    EXPECT_EQ(static_cast<size_t>(rows) + last_.rejects.size() + last_.blank, records.size());
    return last_;
  }

  /// The values of a column by dotted path of structs, as Arrow prints them.
  std::vector<std::string> Column(std::initializer_list<std::string> path) const {
    std::shared_ptr<arrow::Array> array;
    for (const auto& name : path) {
      if (array) {
        const auto& parent = static_cast<const arrow::StructArray&>(*array);
        array = parent.Flatten().ValueOrDie().at(static_cast<size_t>(parent.struct_type()->GetFieldIndex(name)));
      } else {
        array = last_.rows->GetColumnByName(name);
        if (!array) return {"no such column"};
      }
    }
    std::vector<std::string> values;
    for (int64_t row = 0; row < array->length(); ++row)
      values.push_back(array->GetScalar(row).ValueOrDie()->ToString());
    return values;
  }
  std::vector<std::string> Column(const std::string& name) const { return Column({name}); }
  std::string Type(const std::string& name) const {
    const auto field = joined_.schema()->GetFieldByName(name);
    return field ? field->type()->ToString() : "no such column";
  }
  JsonDecoder& decoder() { return joined_; }

 private:
  JsonDecoder joined_;
  JsonDecoder apart_;
  Decoded last_;
};

JsonDecoderOptions Declared(arrow::FieldVector fields, schema::Contract contract = {}) {
  return {.contract = contract, .columns = arrow::schema(std::move(fields))};
}

TEST(JsonDecoderTest, InfersScalarsFromTheFirstBatch) {
  Decoding decoding;
  decoding.Take({R"({"a":1,"b":2,"c":"x","d":true,"e":null,"f":"2021-07-21T06:00:00Z"})",
                 R"({"f":"2021-07-21T06:00:00.5Z","c":"y\né","b":0.5,"a":-7,"d":false})"});
  EXPECT_EQ(decoding.decoder().schema()->ToString(),
            "a: int64\nb: double\nc: string\nd: bool\nf: timestamp[us, tz=UTC]\n_rescued: string");
  EXPECT_THAT(decoding.Column("a"), ElementsAre("1", "-7"));
  EXPECT_THAT(decoding.Column("b"), ElementsAre("2", "0.5"));
  EXPECT_THAT(decoding.Column("c"), ElementsAre("x", "y\n\xC3\xA9"));
  EXPECT_THAT(decoding.Column("d"), ElementsAre("true", "false"));
  EXPECT_THAT(decoding.Column("f"), ElementsAre("2021-07-21 06:00:00.000000Z", "2021-07-21 06:00:00.500000Z"));
  EXPECT_THAT(decoding.Column("_rescued"), ElementsAre("null", "null"));
}

TEST(JsonDecoderTest, NestsStructsAndLists) {
  Decoding decoding;
  decoding.Take({R"({"device":{"os":"iOS","v":{"major":1}},"tags":["a","b"],"items":[{"q":1},{"q":2,"n":"x"}]})",
                 R"({"tags":[],"items":[null,{}]})", R"({"device":{"v":{}},"tags":null})"});
  EXPECT_THAT(decoding.Column({"device", "os"}), ElementsAre("iOS", "null", "null"));
  EXPECT_THAT(decoding.Column({"device", "v", "major"}), ElementsAre("1", "null", "null"));
  EXPECT_THAT(decoding.Column("tags"), ElementsAre("list<element: string>[a, b]", "list<element: string>[]", "null"));
  EXPECT_EQ(decoding.Type("items"), "list<element: struct<q: int64, n: string>>");
}

TEST(JsonDecoderTest, RescuesWhatDoesNotFit) {
  Decoding decoding;
  decoding.Take({R"({"n":1,"s":"a","l":[1,2],"o":{"x":1}})"});
  const auto& decoded =
      decoding.Take({R"({"n":7.5,"s":{"k": 1},"l":[1,"two"],"o":{"x":"y"}})", R"({"n":"7","s":8,"l":{"a":1},"o":[1]})",
                     R"({"n":7.0,"s":"b","l":[3],"o":{"x":9223372036854775808}})"});
  EXPECT_THAT(decoding.Column("n"), ElementsAre("null", "null", "7"));
  EXPECT_THAT(decoding.Column("s"), ElementsAre("null", "null", "b"));
  EXPECT_THAT(decoding.Column("l"), ElementsAre("null", "null", "list<element: int64>[3]"));
  EXPECT_THAT(decoding.Column("_rescued"),
              ElementsAre(R"({"n":7.5,"s":{"k": 1},"l":[1,"two"],"o.x":"y"})", R"({"n":"7","s":8,"l":{"a":1},"o":[1]})",
                          R"({"o.x":9223372036854775808})"));
  EXPECT_EQ(decoded.rescued_values, 9u);
}

TEST(JsonDecoderTest, NewColumnsAppearWithTheirTypes) {
  Decoding decoding;
  decoding.Take({R"({"a":1})"});
  decoding.Take({R"({"a":2})", R"({"b":1,"o":{"x":[true]},"a":3})", R"({"b":1.5})"});
  EXPECT_THAT(decoding.Column("a"), ElementsAre("2", "3", "null"));
  EXPECT_THAT(decoding.Column("b"), ElementsAre("null", "1", "1.5"));
  EXPECT_EQ(decoding.Type("o"), "struct<x: list<element: bool>>");
}

TEST(JsonDecoderTest, BadRecordsLeaveNeighboursAlone) {
  Decoding decoding;
  const auto& decoded =
      decoding.Take({R"({"a":1,"l":[1]})", R"({"a":2,"l":[2,3)", R"({"a":3} x)", "  ", R"({"a":"\xFF"})",
                     "{\"a\":\"\xFF\"}", R"([1])", R"({"a":4,"a":5})", "{\"a\":\"", "\xEF\xBB\xBF{\"a\":6}",
                     R"({"a":7,"l":[4,5]})", "{\"a\":NaN}", "{\"a\":01}", "nul", "}", R"({"a":8}{"a":9})"});
  EXPECT_THAT(decoding.Column("a"), ElementsAre("1", "6", "7"));
  EXPECT_THAT(decoded.record_of_row, ElementsAre(0, 9, 10));
  EXPECT_EQ(decoded.blank, 1u);
  std::vector<std::pair<uint32_t, RejectCause>> causes;
  for (const auto& reject : decoded.rejects) causes.emplace_back(reject.record, reject.cause);
  EXPECT_THAT(causes, ElementsAre(Pair(1, RejectCause::kMalformed), Pair(2, RejectCause::kMalformed),
                                  Pair(4, RejectCause::kMalformed), Pair(5, RejectCause::kInvalidUtf8),
                                  Pair(6, RejectCause::kNotAnObject), Pair(7, RejectCause::kDuplicateKey),
                                  Pair(8, RejectCause::kMalformed), Pair(11, RejectCause::kMalformed),
                                  Pair(12, RejectCause::kMalformed), Pair(13, RejectCause::kMalformed),
                                  Pair(14, RejectCause::kMalformed), Pair(15, RejectCause::kMalformed)));
}

TEST(JsonDecoderTest, WidensDeclaredColumnsWhereTypesEvolve) {
  Decoding decoding(Declared({arrow::field("i", arrow::int32()), arrow::field("f", arrow::float32()),
                              arrow::field("d", arrow::decimal128(4, 2))},
                             {.types = ContractMode::kEvolve}));
  decoding.Take({R"({"i":1,"f":0.5,"d":12.34})", R"({"i":3000000000,"f":1e300,"d":"123456.78"})"});
  EXPECT_EQ(decoding.decoder().schema()->ToString(), "i: int64\nf: double\nd: decimal128(8, 2)\n_rescued: string");
  EXPECT_THAT(decoding.Column("i"), ElementsAre("1", "3000000000"));
  EXPECT_THAT(decoding.Column("d"), ElementsAre("12.34", "123456.78"));
}

TEST(JsonDecoderTest, ContractKeepsColumnsOut) {
  for (const auto mode : {ContractMode::kDiscardValue, ContractMode::kDiscardRow, ContractMode::kFreeze}) {
    Decoding decoding(Declared({arrow::field("a", arrow::int64())}, {.columns = mode}));
    const auto& decoded = decoding.Take({R"({"a":1})", R"({"a":2,"b":{"c":3}})", R"({"a":3,"z":null})"});
    EXPECT_THAT(decoded.unknown_columns, ElementsAre(Pair("b", 1), Pair("z", 1)));
    if (mode == ContractMode::kDiscardValue) {
      EXPECT_THAT(decoding.Column("a"), ElementsAre("1", "2", "3"));
      EXPECT_THAT(decoding.Column("_rescued"), ElementsAre("null", R"({"b":{"c":3}})", "null"));
    } else {
      EXPECT_THAT(decoding.Column("a"), ElementsAre("1", "3"));
      EXPECT_EQ(decoded.rejects.at(0).cause,
                mode == ContractMode::kFreeze ? RejectCause::kFrozen : RejectCause::kContract);
    }
  }
}

TEST(JsonDecoderTest, DeclaredTypesReadTheirText) {
  const auto uuid = arrow::KeyValueMetadata::Make({"iceberg.type", "PARQUET:field_id"}, {"uuid", "7"});
  JsonDecoderOptions options =
      Declared({arrow::field("u", arrow::fixed_size_binary(16), true, uuid), arrow::field("x", arrow::binary()),
                arrow::field("y", arrow::fixed_size_binary(3)), arrow::field("a", arrow::date32()),
                arrow::field("b", arrow::time64(arrow::TimeUnit::MICRO)),
                arrow::field("l", arrow::timestamp(arrow::TimeUnit::MICRO)), arrow::field("d", arrow::decimal128(9, 2)),
                arrow::field("j", arrow::utf8()), arrow::field("m", arrow::map(arrow::utf8(), arrow::int64()))});
  options.json_columns = {"j"};
  Decoding decoding(options);
  decoding.Take(
      {R"({"u":"123e4567-e89b-12d3-a456-426614174000","x":"aGk=","y":"YWJj","a":"2021-07-21","b":"01:02:03",)"
       R"("l":"2021-07-21T06:00:00","d":12.5,"j":{"any": [1]},"m":{"k":1,"l":null}})",
       R"({"u":"nope","x":"a","y":"aGk=","a":"today","b":7,"l":"2021-07-21T06:00:00Z","d":0.005,"j":"s","m":{"k":"v"}})"});
  EXPECT_THAT(decoding.Column("u"),
              ElementsAre(std::string("\x12\x3e\x45\x67\xe8\x9b\x12\xd3\xa4\x56\x42\x66\x14\x17\x40\x00", 16), "null"));
  EXPECT_THAT(decoding.Column("a"), ElementsAre("2021-07-21", "null"));
  EXPECT_THAT(decoding.Column("b"), ElementsAre("01:02:03.000000", "null"));
  EXPECT_THAT(decoding.Column("d"), ElementsAre("12.50", "null"));
  EXPECT_THAT(decoding.Column("j"), ElementsAre(R"({"any": [1]})", R"("s")"));
  EXPECT_THAT(
      decoding.Column("_rescued"),
      ElementsAre("null", R"({"u":"nope","x":"a","y":"aGk=","a":"today","b":7,"l":"2021-07-21T06:00:00Z","d":0.005,)"
                          R"("m[\"k\"]":"v"})"));
  EXPECT_TRUE(decoding.decoder().schema()->field(0)->metadata()->Equals(*uuid)) << "metadata goes through";
}

TEST(JsonDecoderTest, RequiredColumnsAreKeptOrBecomeOptional) {
  for (const auto mode : {ContractMode::kDiscardValue, ContractMode::kEvolve}) {
    Decoding decoding(
        Declared({arrow::field("r", arrow::int64(), false), arrow::field("a", arrow::int64())}, {.types = mode}));
    const auto& decoded = decoding.Take({R"({"r":1})", R"({"a":2})", R"({"r":null})", R"({"r":"x"})"});
    EXPECT_EQ(decoded.rejects.size(), mode == ContractMode::kEvolve ? 0u : 3u);
    EXPECT_EQ(decoding.decoder().schema()->field(0)->nullable(), mode == ContractMode::kEvolve);
  }
}

TEST(JsonDecoderTest, TypesContractRejects) {
  for (const auto mode : {ContractMode::kDiscardRow, ContractMode::kFreeze}) {
    Decoding decoding(Declared({arrow::field("a", arrow::int64())}, {.types = mode}));
    const auto& decoded = decoding.Take({R"({"a":1})", R"({"a":"x"})", R"({"a":2})"});
    ASSERT_EQ(decoded.rejects.size(), 1u);
    EXPECT_EQ(decoded.rejects[0].cause, mode == ContractMode::kFreeze ? RejectCause::kFrozen : RejectCause::kContract);
    EXPECT_THAT(decoding.Column("a"), ElementsAre("1", "2"));
  }
}

TEST(JsonDecoderTest, UndecidedNamesWaitForAType) {
  Decoding decoding;
  decoding.Take({R"({"a":1,"x":null,"y":[],"z":{"w":null}})"});
  EXPECT_EQ(decoding.decoder().schema()->ToString(), "a: int64\n_rescued: string");
  EXPECT_THAT(decoding.Column("_rescued"), ElementsAre(R"({"y":[],"z":{"w":null}})"));
  decoding.Take({R"({"a":2,"y":[]})", R"({"x":1.5,"y":[[1]],"z":{"w":[true]}})", R"({"y":[],"z":{}})"});
  EXPECT_THAT(decoding.Column("x"), ElementsAre("null", "1.5", "null"));
  EXPECT_EQ(decoding.Type("y"), "list<element: list<element: int64>>");
  EXPECT_EQ(decoding.Type("z"), "struct<w: list<element: bool>>");
  EXPECT_THAT(decoding.Column("_rescued"), ElementsAre(R"({"y":[]})", "null", "null"));
}

TEST(JsonDecoderTest, AdoptRulesOverWhatWasInferred) {
  Decoding decoding;
  decoding.Take({R"({"a":1,"b":"x"})"});
  const auto id = arrow::KeyValueMetadata::Make({"PARQUET:field_id"}, {"3"});
  decoding.decoder().Adopt(
      arrow::schema({arrow::field("_rescued", arrow::utf8(), true, id), arrow::field("b", arrow::utf8())}));
  EXPECT_EQ(decoding.decoder().schema()->field_names(), (std::vector<std::string>{"b", "_rescued"}));
  EXPECT_TRUE(decoding.decoder().schema()->field(1)->metadata()->Equals(*id));
  const auto decoded = decoding.decoder().Decode(Batch({R"({"a":"now text","b":"y"})"}));
  EXPECT_EQ(decoded.rows->schema()->field_names(), (std::vector<std::string>{"b", "a", "_rescued"}));
  EXPECT_EQ(decoded.rows->GetColumnByName("a")->type()->ToString(), "string");
  EXPECT_THROW(decoding.decoder().Adopt(arrow::schema({arrow::field("n", arrow::uint64())})), Error);
}

}  // namespace
}  // namespace millrace::decode
