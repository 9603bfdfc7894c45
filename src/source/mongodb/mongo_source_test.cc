#include "source/mongodb/mongo_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/hand_clock.h"
#include "contract/source_contract.h"
#include "services/mongo_server.h"

namespace millrace::source {
namespace {

using event::ReadState;
using testing::ElementsAre;
using testing::HasSubstr;

class MongoSourceTest : public testing::Test {
 protected:
  MongoSourceTest() {
    static int made = 0;
    options_.name = "people";
    options_.server.uri = services::MongoUri();
    options_.database = "source" + std::to_string(++made);
    options_.collection = "people";
  }
  void Insert(const std::vector<std::string>& documents) {
    services::ReadCollection(options_.database, "people", documents);
  }
  std::vector<std::string> Records(const event::Positions& from = {}) {
    MongoSource source(options_);
    std::vector<std::string> records;
    for (const auto& seen : event::ReadToEnd(source, from, {}).records) records.push_back(seen.key + " " + seen.bytes);
    return records;
  }
  size_t Splits() {
    MongoSource source(options_);
    std::set<std::string> splits;
    for (const auto& seen : event::ReadToEnd(source, {}, {}).records) splits.insert(seen.split);
    return splits.size();
  }

  MongoSourceOptions options_;
};
TEST_F(MongoSourceTest, KeepsTheContractOfSources) {
  std::vector<std::string> documents;
  for (int i = 0; i < 40; ++i) {
    documents.push_back(R"({"_id": )" + std::to_string(i) + R"(, "at": )" + std::to_string(i / 7) + "}");
  }
  Insert(documents);
  const event::ReadLimits limits{.bytes_max = 100, .wait = std::chrono::milliseconds(1)};
  const auto make = [&] { return std::make_unique<MongoSource>(options_); };
  event::CheckSourceContract(make, limits);
  options_.cursor = "at";
  event::CheckSourceContract(make, limits);
}

TEST_F(MongoSourceTest, RangesKeepTheContractOfSources) {
  std::vector<std::string> documents;
  for (int i = 0; i < 80; ++i) {
    documents.push_back(R"({"_id": )" + std::to_string(i) + R"(, "at": )" + std::to_string(i / 7) + "}");
  }
  Insert(documents);
  options_.ranges = 4;
  const event::ReadLimits limits{.bytes_max = 100, .wait = std::chrono::milliseconds(500)};
  const auto make = [&] { return std::make_unique<MongoSource>(options_); };
  event::CheckSourceContract(make, limits);
  EXPECT_EQ(Splits(), 4U);
  options_.cursor = "at";
  event::CheckSourceContract(make, limits);
  EXPECT_EQ(Splits(), 4U);
}

TEST_F(MongoSourceTest, RangesOfManyTypesHaveEachDocumentOnce) {
  Insert({R"({"_id": null})", R"({"_id": 7})", R"({"_id": {"$numberDouble": "NaN"}})", R"({"_id": "text"})",
          R"({"_id": {"a": 1}})", R"({"_id": {"$oid": "65f0c0ffee0123456789abcd"}})", R"({"_id": 2.5})",
          R"({"_id": true})", R"({"_id": {"$date": "2026-01-02T03:04:05.678Z"}})",
          R"({"_id": {"$timestamp": {"t": 5, "i": 1}}})",
          R"({"_id": {"$binary": {"base64": "AQI=", "subType": "00"}}})", R"({"_id": {"$numberDecimal": "8.5"}})"});
  auto alone = Records();
  std::ranges::sort(alone);
  ASSERT_EQ(alone.size(), 12U);
  for (const int ranges : {2, 3, 5, 12, 32}) {
    options_.ranges = ranges;
    auto divided = Records();
    std::ranges::sort(divided);
    EXPECT_EQ(divided, alone) << ranges;
    EXPECT_GT(Splits(), 1U) << ranges;
  }
}

TEST_F(MongoSourceTest, OneConnectionIsEnoughForRanges) {
  options_.server.uri += "?maxPoolSize=1";
  options_.ranges = 4;
  for (int i = 0; i < 20; ++i) Insert({R"({"_id": )" + std::to_string(i) + "}"});
  EXPECT_EQ(Records().size(), 20U);
  MongoSource left(options_);
  left.Seek({});
  for (int i = 0; i < 3; ++i) left.Read({.bytes_max = 1, .wait = std::chrono::milliseconds(500)}, {});
}

TEST_F(MongoSourceTest, ACollectionThatCannotBeDividedIsReadInOne) {
  options_.ranges = 8;
  EXPECT_THAT(Records(), ElementsAre());
  Insert({R"({"_id": 1, "at": 5})"});
  EXPECT_THAT(Records(), ElementsAre(R"(1 {"_id":1,"at":5})"));
  Insert({R"({"_id": 2, "at": 5})", R"({"_id": 3, "at": 5})"});
  EXPECT_EQ(Records().size(), 3U);
  options_.cursor = "at";
  EXPECT_EQ(Records().size(), 3U);
  EXPECT_EQ(Splits(), 1U);
  Insert({R"({"_id": 4, "at": {"$minKey": 1}})", R"({"_id": 5, "at": 6})", R"({"_id": 6, "at": 7})"});
  EXPECT_EQ(Records().size(), 6U);
  EXPECT_EQ(Splits(), 1U);
}

TEST_F(MongoSourceTest, BoundsStayWhatTheyWereWhateverChanges) {
  options_.ranges = 4;
  options_.cursor = "at";
  std::vector<std::string> documents;
  for (int i = 0; i < 60; ++i) {
    documents.push_back(R"({"_id": )" + std::to_string(i) + R"(, "at": )" + std::to_string(10 + i) + "}");
  }
  Insert(documents);
  const event::ReadLimits limits{.bytes_max = 50, .wait = std::chrono::milliseconds(500)};
  MongoSource first(options_);
  first.Seek({});
  event::Positions at;
  std::multiset<std::string> keys;
  const auto read = [&](MongoSource& source, int batches) {
    while (batches-- > 0) {
      const auto got = source.Read(limits, {});
      if (got.state == ReadState::kExhausted) return;
      if (got.state != ReadState::kBatch) continue;
      EXPECT_EQ(got.batch->begin, event::CursorOf(at, got.batch->split));
      at[got.batch->split] = got.batch->end;
      for (size_t i = 0; i < got.batch->size(); ++i) keys.emplace(got.batch->key(i));
    }
  };
  read(first, 5);
  ASSERT_LT(keys.size(), 60U);
  Insert(
      {R"({"_id": "early", "at": 1, "far": true})", R"({"_id": "late", "at": 900})", R"({"_id": "last", "at": 901})"});
  options_.ranges = 7;
  MongoSource second(options_);
  second.Seek(at);
  read(second, 10'000);
  // What comes before all that was read is late, as it is without ranges.
  EXPECT_EQ(keys.size(), 62U);
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 62U);
  EXPECT_EQ(keys.count("early"), 0U);
  EXPECT_EQ(event::CursorOf(at, at.begin()->first).value().find("ranges"), std::string::npos) << "it goes on in one";
  Insert({R"({"_id": "more", "at": 902})"});
  MongoSource third(options_);
  third.Seek(at);
  read(third, 10'000);
  EXPECT_EQ(keys.size(), 63U);
}

TEST_F(MongoSourceTest, ANewerStateComesBehindAnOlderOne) {
  options_.ranges = 3;
  options_.cursor = "at";
  for (int i = 0; i < 30; ++i) Insert({R"({"_id": )" + std::to_string(i) + R"(, "at": )" + std::to_string(i) + "}"});
  MongoSource source(options_);
  source.Seek({});
  const event::ReadLimits limits{.bytes_max = 1, .wait = std::chrono::milliseconds(500)};
  std::vector<std::string> records;
  for (;;) {
    const auto got = source.Read(limits, {});
    if (got.state == ReadState::kExhausted) break;
    if (got.state != ReadState::kBatch) continue;
    if (records.empty()) Insert({R"({"_id": "new", "at": 29})", R"({"_id": "newer", "at": 30})"});
    records.emplace_back(got.batch->record(0));
  }
  ASSERT_EQ(records.size(), 32U);
  EXPECT_THAT(records[30], HasSubstr("new"));
  EXPECT_THAT(records[31], HasSubstr("newer"));
}

TEST_F(MongoSourceTest, IdsOfEveryTypeComeOnceWhereverItGoesOn) {
  Insert({R"({"_id": 7})", R"({"_id": "text"})", R"({"_id": {"a": 1}})",
          R"({"_id": {"$oid": "65f0c0ffee0123456789abcd"}})", R"({"_id": 2.5})", R"({"_id": true})",
          R"({"_id": {"$date": "2026-01-02T03:04:05.678Z"}})"});
  MongoSource source(options_);
  const auto seen = event::ReadToEnd(source, {}, {.bytes_max = 1, .wait = std::chrono::milliseconds(1)});
  ASSERT_EQ(seen.records.size(), 7U);
  EXPECT_EQ(seen.stands.size(), 8U);
  for (const auto& [positions, before] : seen.stands) EXPECT_EQ(Records(positions).size(), 7 - before) << before;
}

TEST_F(MongoSourceTest, TypesHaveAPlainForm) {
  Insert(
      {R"({"_id": {"$oid": "65f0c0ffee0123456789abcd"}, "n": 3000000000, "r": 0.1, "t": "q\"\n", "d": {"$date": "1969-12-31T23:59:59.001Z"},)"
       R"( "b": {"$binary": {"base64": "AQI=", "subType": "00"}}, "l": [1, {"x": null}], "yes": true})"});
  EXPECT_THAT(
      Records(),
      ElementsAre(
          "65f0c0ffee0123456789abcd "
          R"({"_id":"65f0c0ffee0123456789abcd","n":3000000000,"r":0.1,"t":"q\"\n","d":"1969-12-31T23:59:59.001Z",)"
          R"("b":"AQI=","l":[1,{"x":null}],"yes":true})"));
}

TEST_F(MongoSourceTest, TheExtendedFormKeepsThem) {
  options_.form = BsonForm::kExtended;
  Insert({R"({"_id": "a", "d": {"$date": "2026-01-02T03:04:05.678Z"}})"});
  EXPECT_THAT(Records(), ElementsAre(HasSubstr(R"("$date" : "2026-01-02T03:04:05.678Z")")));
}

TEST(BsonToJsonTest, DatesThatHaveNoPlainFormKeepTheirMilliseconds) {
  bson_t document;
  bson_init(&document);
  bson_append_date_time(&document, "last", -1, 253402300799999);
  bson_append_date_time(&document, "after", -1, 253402300800000);
  bson_append_date_time(&document, "most", -1, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(ToJson(document, BsonForm::kPlain),
            R"({"last":"9999-12-31T23:59:59.999Z","after":{ "$date" : "10000-01-01T00:00:00Z" },)"
            R"("most":{ "$date" : "292278994-08-17T07:12:55.807Z" }})");
  bson_destroy(&document);
}

TEST(BsonToJsonTest, DecimalsKeepTheirDigits) {
  bson_t document;
  bson_init(&document);
  bson_decimal128_t decimal;
  bson_decimal128_from_string("12345678901234567890.123456789", &decimal);
  bson_append_decimal128(&document, "d", -1, &decimal);
  bson_decimal128_from_string("Infinity", &decimal);
  bson_append_decimal128(&document, "i", -1, &decimal);
  bson_append_double(&document, "n", -1, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(ToJson(document, BsonForm::kPlain), R"({"d":12345678901234567890.123456789,"i":null,"n":null})");
  bson_destroy(&document);
}

TEST_F(MongoSourceTest, AFilterChooses) {
  options_.filter = R"({"n": {"$gte": 2}})";
  Insert({R"({"_id": 1, "n": 1})", R"({"_id": 2, "n": 2})", R"({"_id": 3, "n": 3})"});
  EXPECT_THAT(Records(), ElementsAre(R"(2 {"_id":2,"n":2})", R"(3 {"_id":3,"n":3})"));
}

TEST_F(MongoSourceTest, AChangedDocumentComesAgainAndTiesComeOnce) {
  options_.cursor = "at";
  options_.every = std::chrono::seconds(5);
  const HandClock clock;
  MongoSource source(options_, clock);
  Insert({R"({"_id": 1, "at": 5})", R"({"_id": 2, "at": 5})", R"({"_id": 9, "other": 1})"});
  source.Seek({});
  const auto next = [&] {
    std::vector<std::string> records;
    for (int i = 0; i < 3; ++i) {
      const auto read = source.Read({.bytes_max = 1 << 20, .wait = std::chrono::seconds(6)}, {});
      if (read.state == ReadState::kIdle) break;
      if (read.state == ReadState::kBatch) {
        for (size_t r = 0; r < read.batch->size(); ++r) records.emplace_back(read.batch->record(r));
      }
    }
    return records;
  };
  EXPECT_THAT(next(), ElementsAre(R"({"_id":1,"at":5})", R"({"_id":2,"at":5})"));
  EXPECT_THAT(next(), ElementsAre());
  Insert({R"({"_id": 3, "at": 5})", R"({"_id": 0, "at": 6})"});
  EXPECT_THAT(next(), ElementsAre(R"({"_id":3,"at":5})", R"({"_id":0,"at":6})"));
}

TEST(MongoSourceErrors, AFilterThatIsNoneIsSaidAtOnce) {
  MongoSourceOptions options;
  options.name = "people";
  options.server.uri = "mongodb://127.0.0.1:1/";
  options.filter = "{not json";
  try {
    const MongoSource source(options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfig);
    EXPECT_THAT(error.what(), HasSubstr("filter"));
  }
}

TEST(MongoSourceErrors, AServerThatIsAwayIsAskedAgain) {
  MongoSourceOptions options;
  options.name = "people";
  options.server.uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100";
  options.database = options.collection = "x";
  const HandClock clock;
  MongoSource source(options, clock);
  source.Seek({});
  EXPECT_EQ(source.Read({}, {}).state, ReadState::kWaiting);
  EXPECT_THAT(source.WaitsFor(), HasSubstr("cannot be read"));
  EXPECT_EQ(source.Read({}, {}).state, ReadState::kWaiting);
}

}  // namespace
}  // namespace millrace::source
