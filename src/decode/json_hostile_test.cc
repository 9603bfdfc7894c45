#include <arrow/api.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "contract/decoder_contract.h"
#include "decode/json_decoder.h"

namespace millrace::decode {
namespace {

using event::Decoded;
using event::RejectCause;
using schema::ContractMode;
using testing::ElementsAre;
using testing::HasSubstr;

/// Decodes hostile records between two good ones, which must come out untouched, joined and apart.
class HostileTest : public testing::TestWithParam<bool> {
 protected:
  Decoded Take(const std::vector<std::string>& hostile, JsonDecoderOptions options = {}) {
    decoder_ = std::make_unique<JsonDecoder>(options);
    event::DecodeChecked(*decoder_, {R"({"n":0,"s":"start","d":0.5,"o":{"k":1}})"}, GetParam());
    std::vector<std::string> records{R"({"n":1,"s":"before"})"};
    records.insert(records.end(), hostile.begin(), hostile.end());
    records.push_back(R"({"n":2,"s":"after"})");
    auto decoded = event::DecodeChecked(*decoder_, records, GetParam());
    rows_ = decoded.rows;
    const auto& n = static_cast<const arrow::Int64Array&>(*rows_->GetColumnByName("n"));
    EXPECT_EQ(n.Value(0), 1);
    EXPECT_EQ(n.Value(n.length() - 1), 2);
    return decoded;
  }
  std::string Cell(const std::string& column, int64_t row = 1) const {
    return rows_->GetColumnByName(column)->GetScalar(row).ValueOrDie()->ToString();
  }
  std::string Rescued(int64_t row = 1) const { return Cell("_rescued", row); }
  static std::vector<RejectCause> Causes(const Decoded& decoded) {
    std::vector<RejectCause> causes;
    for (const auto& reject : decoded.rejects) causes.push_back(reject.cause);
    return causes;
  }

  std::unique_ptr<JsonDecoder> decoder_;
  std::shared_ptr<arrow::RecordBatch> rows_;
};

INSTANTIATE_TEST_SUITE_P(Joined, HostileTest, testing::Values(true));
INSTANTIATE_TEST_SUITE_P(Apart, HostileTest, testing::Values(false));

std::string Nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST_P(HostileTest, DepthIsARejectNotAStack) {
  const auto decoded =
      Take({"{\"x\":" + Nested(1'000) + "}", "{\"n\":" + Nested(1'000) + "}", "{\"x\":" + Nested(10'000'000) + "}",
            Nested(10'000'000), std::string(10'000'000, '['), "{\"x\":" + std::string(10'000'000, '['), [] {
              std::string objects;
              for (int i = 0; i < 100'000; ++i) objects += "{\"o\":";
              return objects;
            }()});
  EXPECT_THAT(Causes(decoded), testing::Each(RejectCause::kTooDeep));
  EXPECT_EQ(decoded.rejects.size(), 7u);
  EXPECT_EQ(Take({"{\"x\":" + Nested(64) + "}"}).rejects.size(), 0u);
  EXPECT_EQ(Take({"{\"x\":" + Nested(65) + "}"}).rejects.size(), 1u);
}

TEST_P(HostileTest, NumbersAreKeptToTheDigit) {
  const std::string fifty(50, '7');
  Take({"{\"n\":7.5}", "{\"n\":9223372036854775808}", "{\"n\":18446744073709551616}", "{\"n\":" + fifty + "}",
        "{\"n\":1e400}", "{\"n\":-0}", "{\"n\":7.0}", "{\"n\":\"7\"}", "{\"n\":true}", "{\"n\":-9223372036854775808}",
        "{\"n\":1e18}", "{\"n\":9007199254740993.0}"});
  EXPECT_EQ(Rescued(1), R"({"n":7.5})");
  EXPECT_EQ(Rescued(2), R"({"n":9223372036854775808})");
  EXPECT_EQ(Rescued(3), R"({"n":18446744073709551616})");
  EXPECT_EQ(Rescued(4), "{\"n\":" + fifty + "}");
  EXPECT_EQ(Rescued(5), R"({"n":1e400})");
  EXPECT_EQ(Cell("n", 6), "0");
  EXPECT_EQ(Cell("n", 7), "7");
  EXPECT_EQ(Rescued(8), R"({"n":"7"})");
  EXPECT_EQ(Rescued(9), R"({"n":true})");
  EXPECT_EQ(Cell("n", 10), "-9223372036854775808");
  EXPECT_EQ(Cell("n", 11), "1000000000000000000");
  EXPECT_EQ(Cell("n", 12), "9007199254740993");
  Take({"{\"d\":1e400}", "{\"d\":9007199254740993}", "{\"d\":1e-400}", "{\"d\":-0}",
        "{\"d\":123456789012345678901234567890.5}"});
  EXPECT_EQ(Rescued(1), R"({"d":1e400})");
  EXPECT_EQ(Rescued(2), R"({"d":9007199254740993})");
  EXPECT_EQ(Cell("d", 3), "0");
  EXPECT_EQ(Cell("d", 4), "-0");
  EXPECT_EQ(Cell("d", 5), "1.2345678901234568e+29");
}

TEST_P(HostileTest, WhatIsNotJsonIsMalformed) {
  const auto decoded = Take({"{\"n\":NaN}",
                             "{\"n\":Infinity}",
                             "{\"n\":-Infinity}",
                             "{\"n\":01}",
                             "{\"n\":1.}",
                             "{\"n\":+1}",
                             "{\"n\":0x1}",
                             "{\"n\":.5}",
                             "{\"n\":1}}",
                             "{\"n\":1,}",
                             "{,}",
                             "{\"n\" 1}",
                             "{n:1}",
                             "{'n':1}",
                             "{\"n\":nul}",
                             "{\"n\":nullx}",
                             "{\"n\":tru}",
                             "{\"s\":\"\\q\"}",
                             "{\"s\":\"\\u12g4\"}",
                             "{\"x\":[1,]}",
                             "{\"x\":[1 2]}",
                             "{\"n\":1]",
                             "\\",
                             "{",
                             "{\"",
                             "{\"n",
                             "{\"n\"",
                             "{\"n\":",
                             "{\"n\":1",
                             "{\"s\":\"\x01\"}",
                             std::string("{\"s\":\"\0\"}", 9),
                             std::string("{\"n\":1\0}", 8),
                             "\xEF\xBB\xBF\xEF\xBB\xBF{}",
                             "{} {}"});
  EXPECT_EQ(decoded.rejects.size(), 34u);
  EXPECT_THAT(Causes(decoded), testing::Each(RejectCause::kMalformed));
}

TEST_P(HostileTest, TextThatIsNone) {
  const auto decoded = Take({"{\"s\":\"\xFF\"}", "{\"s\":\"\xED\xA0\x80\"}", "{\"s\":\"\xC3\"}", "{\"\xC3\":1}",
                             R"({"s":"\ud800"})", R"({"s":"\udc00\ud800"})", R"({"\ud800":1})", R"({"s":"\u0000"})",
                             "\xEF\xBB\xBF{\"s\":\"marked\"}", R"({"s":"\ud83d\ude00"})"});
  EXPECT_THAT(Causes(decoded),
              ElementsAre(RejectCause::kInvalidUtf8, RejectCause::kInvalidUtf8, RejectCause::kInvalidUtf8,
                          RejectCause::kInvalidUtf8, RejectCause::kInvalidUtf8));
  EXPECT_EQ(Rescued(1), R"({"s":"\ud800"})");
  EXPECT_EQ(Rescued(2), R"({"s":"\udc00\ud800"})");
  EXPECT_EQ(static_cast<const arrow::StringArray&>(*rows_->GetColumnByName("s")).GetView(3), std::string_view("\0", 1));
  EXPECT_EQ(Cell("s", 4), "marked");
  EXPECT_EQ(Cell("s", 5), "\xF0\x9F\x98\x80");
}

TEST_P(HostileTest, KeysOfEveryKind) {
  const std::string longest(5'000, 'k');
  Take({R"({"N":3})", R"({"_rescued":1,"_RESCUED":2})", "{\"" + longest + "\":1}",
        R"({"":1,"a.b":2,"q\"t":3,"\u006e":4})", R"({"o":{"K":1}})"});
  EXPECT_EQ(Rescued(1), R"({"N":3})");
  EXPECT_EQ(Rescued(2), R"({"_rescued":1,"_RESCUED":2})");
  EXPECT_EQ(Rescued(3), "{\"" + longest + "\":1}");
  EXPECT_EQ(Cell("", 4), "1");
  EXPECT_EQ(Cell("a.b", 4), "2");
  EXPECT_EQ(Cell("q\"t", 4), "3");
  EXPECT_EQ(Cell("n", 4), "4");
  EXPECT_EQ(Rescued(5), R"({"o.K":1})");
  EXPECT_THAT(Causes(Take({R"({"n":1,"n":2})", R"({"n":1,"\u006e":2})", R"({"x":null,"x":null})", R"({"N":1,"N":2})",
                           R"({"o":{"k":1,"k":1}})", R"({"y":{"z":1,"z":2}})"})),
              ElementsAre(RejectCause::kDuplicateKey, RejectCause::kDuplicateKey, RejectCause::kDuplicateKey,
                          RejectCause::kDuplicateKey, RejectCause::kDuplicateKey, RejectCause::kDuplicateKey));
}

TEST_P(HostileTest, AMillionKeysAreNoColumns) {
  std::string wide = "{\"n\":5", spread = "{\"m\":{\"k\":1";
  for (int i = 0; i < 1'000'000; ++i) wide += fmt::format(",\"k{}\":{}", i, i);
  for (int i = 0; i < 3'000; ++i) spread += fmt::format(",\"k{}\":{}", i, i);
  const auto decoded = Take({wide + "}", spread + "}}"});
  EXPECT_THAT(Causes(decoded), ElementsAre(RejectCause::kTooManyColumns));
  EXPECT_EQ(rows_->num_columns(), 5);
  EXPECT_THAT(Rescued(1), HasSubstr("\"k2999\":2999"));
}

TEST_P(HostileTest, ColumnsStopAtTheLimit) {
  std::vector<std::string> records;
  for (int i = 0; i < 30; ++i) records.push_back(fmt::format("{{\"c{}\":{}}}", i, i));
  Take(records, {.columns_max = 10});
  EXPECT_EQ(rows_->num_columns(), 10) << "n, s, d, o and five more; o.k counts, _rescued does not";
  EXPECT_EQ(Rescued(30), R"({"c29":29})");
}

TEST_P(HostileTest, RecordsOverTheLimitAreRefusedAndThoseBelowRead) {
  const std::string big = "{\"n\":6,\"s\":\"" + std::string(100'000'000, 'x') + "\"}";
  EXPECT_THAT(Causes(Take({big}, {.record_bytes_max = 1 << 20})), ElementsAre(RejectCause::kTooLarge));
  EXPECT_EQ(Take({big}).rejects.size(), 0u);
  EXPECT_EQ(static_cast<const arrow::StringArray&>(*rows_->GetColumnByName("s")).GetView(1).size(), 100'000'000u);
}

TEST_P(HostileTest, AFieldThatIsIntThenStringThenObject) {
  Take({R"({"v":1})", R"({"v":"two"})", R"({"v":{"three":3}})", R"({"v":[4]})", R"({"v":5})"});
  EXPECT_EQ(Cell("v", 1), "1");
  EXPECT_EQ(Rescued(2), R"({"v":"two"})");
  EXPECT_EQ(Rescued(3), R"({"v":{"three":3}})");
  EXPECT_EQ(Rescued(4), R"({"v":[4]})");
  EXPECT_EQ(Cell("v", 5), "5");
}

TEST_P(HostileTest, ListsOfManyMindsAreRescuedWhole) {
  Take({R"({"l":[{"a":1},{"a":2}]})", R"({"l":[{"a":1},7,{"a":"x"}]})", R"({"l":[{"a":1},{"a":"x","B":[]}]})",
        R"({"m":[[1],[2,3]]})", R"({"m":[[1],["x"]]})"});
  EXPECT_EQ(Rescued(2), R"({"l":[{"a":1},7,{"a":"x"}]})");
  EXPECT_EQ(Rescued(3), R"({"l[1].a":"x","l[1].B":[]})");
  EXPECT_EQ(Rescued(5), R"({"m":[[1],["x"]]})");
}

TEST_P(HostileTest, BlankRecordsAreCounted) {
  const auto decoded = Take({"", " ", "\t\r", "{\"n\":3}", ""});
  EXPECT_EQ(decoded.blank, 4u);
  EXPECT_THAT(decoded.record_of_row, ElementsAre(0, 4, 6));
}

TEST_P(HostileTest, RecordsMayHoldNewlinesWhenApart) {
  if (GetParam()) GTEST_SKIP() << "joined records hold none";
  Take({"{\n\"n\":\n3\n}", "{\"n\":4}\n"});
  EXPECT_EQ(Cell("n", 1), "3");
  EXPECT_EQ(Cell("n", 2), "4");
}

}  // namespace
}  // namespace millrace::decode
