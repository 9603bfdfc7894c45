#include "document/mongodb/mongo_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hand_clock.h"
#include "contract/sink_contract.h"
#include "document/document_sink.h"
#include "document/record_parser.h"
#include "io/outage_patience.h"
#include "services/mongo_server.h"

namespace millrace::document {
namespace {

using event::OffsetCursor;
using nlohmann::json;
using testing::ElementsAre;

/// A database of its own.
MongoStoreOptions NewDatabase() {
  static int made = 0;
  MongoStoreOptions options;
  options.server.uri = services::MongoUri();
  options.database = "test" + std::to_string(++made);
  options.collection = "people";
  options.scope = "pipeline/people";
  return options;
}

/// What pymongo reads, sorted by id.
json ReadAll(const MongoStoreOptions& options, const std::string& collection,
             const std::vector<std::string>& inserted = {}) {
  return json::parse(services::ReadCollection(options.server.uri, options.database, collection, inserted));
}

class MongoSinkFixture : public event::SinkFixture {
 public:
  explicit MongoSinkFixture(std::vector<std::string> key) : options_(NewDatabase()), key_(std::move(key)) {}

  std::unique_ptr<event::Sink> Open() override {
    DocumentSinkOptions options;
    options.name = "people";
    options.key = key_;
    return std::make_unique<DocumentSink>(std::make_unique<MongoStore>(options_), options, budget_);
  }
  std::vector<int64_t> Landed() override {
    std::vector<int64_t> ids;
    for (const auto& document : ReadAll(options_, "people")) ids.push_back(document.at("id").get<int64_t>());
    std::ranges::sort(ids);
    return ids;
  }
  std::vector<std::string> Quarantined() override {
    std::vector<std::string> texts;
    for (const auto& held : ReadAll(options_, "people_quarantine")) texts.push_back(held.at("value"));
    return texts;
  }

 private:
  const MongoStoreOptions options_;
  const std::vector<std::string> key_;
  ByteBudget budget_{int64_t{64} << 20};
};

struct KeyedFixture : MongoSinkFixture {
  KeyedFixture() : MongoSinkFixture({"id"}) {}
};
struct AppendingFixture : MongoSinkFixture {
  AppendingFixture() : MongoSinkFixture({}) {}
};

}  // namespace
}  // namespace millrace::document

namespace millrace::event {
INSTANTIATE_TYPED_TEST_SUITE_P(MongoKeyed, SinkContract, document::KeyedFixture);
INSTANTIATE_TYPED_TEST_SUITE_P(MongoAppending, SinkContract, document::AppendingFixture);
}  // namespace millrace::event

namespace millrace::document {
namespace {

class MongoStoreTest : public testing::Test {
 protected:
  Change At(const std::string& text, const std::string& split, int64_t offset, int64_t seconds = 0) {
    const Version version{event::SplitId(split), offset, Timestamp(std::chrono::seconds(seconds))};
    const auto padded = PaddedBuffer::CopyOf(text);
    auto encoded = store_.Encode(parser_.Record(padded->view()), key_, version);
    return {version, encoded.id, encoded.body, true};
  }
  Change Deleted(const std::string& key, const std::string& split, int64_t offset, int64_t seconds = 0) {
    const Version version{event::SplitId(split), offset, Timestamp(std::chrono::seconds(seconds))};
    auto encoded = store_.EncodeDeleted(parser_.Key(key, key_, PlainKeys::kJson), key_, version);
    return {version, encoded.id, encoded.body, true};
  }
  void Put(const Change& change) {
    for (const auto& refusal : store_.Write({&change, 1})) ADD_FAILURE() << refusal.why;
  }
  std::string Name() {
    const auto all = ReadAll(options_, "people");
    return all.size() == 1 && all[0].contains("name") ? all[0]["name"] : "";
  }

  const MongoStoreOptions options_ = NewDatabase();
  const HandClock clock_;
  MongoStore store_{options_, clock_};
  RecordParser parser_{size_t{32} << 20};
  std::vector<std::string> key_{"id"};
};

TEST_F(MongoStoreTest, TheNewerOfTwoChangesStandsWhateverComesLast) {
  const auto older = At(R"({"id": 1, "name": "older"})", "topic:t/0", 4);
  const auto newer = At(R"({"id": 1, "name": "newer"})", "topic:t/0", 5);
  Put(newer);
  Put(older);
  EXPECT_EQ(Name(), "newer");
  Put(newer);
  EXPECT_EQ(Name(), "newer");
  Put(At(R"({"id": 1, "name": "newest"})", "topic:t/0", 6));
  EXPECT_EQ(Name(), "newest");
}

TEST_F(MongoStoreTest, BetweenSplitsTheTimeDecidesAndThenTheName) {
  Put(At(R"({"id": 1, "name": "early"})", "topic:a/0", 100, 10));
  Put(At(R"({"id": 1, "name": "late"})", "topic:b/0", 1, 11));
  EXPECT_EQ(Name(), "late");
  Put(At(R"({"id": 1, "name": "early again"})", "topic:a/0", 101, 10));
  EXPECT_EQ(Name(), "late");
  Put(At(R"({"id": 1, "name": "same time, after it by name"})", "topic:c/0", 0, 11));
  EXPECT_EQ(Name(), "same time, after it by name");
  Put(At(R"({"id": 1, "name": "same time, before it by name"})", "topic:b/0", 7, 11));
  EXPECT_EQ(Name(), "same time, after it by name");
}

TEST_F(MongoStoreTest, ADeletedDocumentIsNotBroughtBackUntilItIsForgotten) {
  Put(At(R"({"id": 1, "name": "a"})", "topic:t/0", 1));
  Put(Deleted("1", "topic:t/0", 2));
  Put(At(R"({"id": 1, "name": "a"})", "topic:t/0", 1));
  auto all = ReadAll(options_, "people");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0]["_deleted"], true);
  EXPECT_FALSE(all[0].contains("name"));
  store_.Forget(clock_.Now());
  EXPECT_EQ(ReadAll(options_, "people").size(), 1U);
  store_.Forget(clock_.Now() + std::chrono::seconds(1));
  EXPECT_TRUE(ReadAll(options_, "people").empty());
}

TEST_F(MongoStoreTest, ADocumentOfSomebodyElseIsReplaced) {
  ReadAll(options_, "people", {R"({"_id": 1, "name": "theirs"})"});
  Put(At(R"({"id": 1, "name": "ours"})", "topic:t/0", 0));
  EXPECT_EQ(Name(), "ours");
}

TEST_F(MongoStoreTest, TypesAreKept) {
  key_ = {"_id"};
  Put(At(R"({"_id": {"$oid": "65f0c0ffee0123456789abcd"}, "small": -7, "large": 3000000000, "ratio": 0.1, "yes": true,
             "none": null, "text": "a\u0000b ü", "list": [1, {"x": [2.5]}, {}], "sub": {"a": {"b": 1}},
             "at": {"$date": "2026-01-02T03:04:05.678Z"}, "long": {"$numberLong": "5"}})",
         "topic:t/0", 0));
  auto found = ReadAll(options_, "people").at(0);
  found.erase("_millrace");
  EXPECT_EQ(found, json::parse(R"({"_id": {"$oid": "65f0c0ffee0123456789abcd"}, "small": -7, "large": 3000000000,
            "ratio": 0.1, "yes": true, "none": null, "text": "a\u0000b ü", "list": [1, {"x": [2.5]}, {}],
            "sub": {"a": {"b": 1}}, "at": {"$date": "2026-01-02T03:04:05.678Z"}, "long": 5})"));
}

TEST_F(MongoStoreTest, SeveralMembersMakeAnId) {
  key_ = {"shop", "number"};
  Put(At(R"({"number": 7, "shop": "x", "name": "a"})", "topic:t/0", 0));
  Put(At(R"({"number": 7, "shop": "x", "name": "b"})", "topic:t/0", 1));
  Put(At(R"({"number": 8, "shop": "x", "name": "c"})", "topic:t/0", 2));
  const auto all = ReadAll(options_, "people");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0]["_id"], json::parse(R"({"shop": "x", "number": 7})"));
  EXPECT_EQ(all[0]["name"], "b");
}

TEST_F(MongoStoreTest, WhatTheServerRefusesIsSaidOfThatDocumentAlone) {
  // Names with a dot or a dollar: some servers take them, others do not; the neighbours land either way.
  const std::vector<Change> changes = {At(R"({"id": 1, "name": "a"})", "topic:t/0", 0),
                                       At(R"({"id": 2, "$set": 1, "name": "b"})", "topic:t/0", 1),
                                       At(R"({"id": 3, "name": "c"})", "topic:t/0", 2)};
  const auto refused = store_.Write(changes);
  std::vector<int> ids;
  for (const auto& document : ReadAll(options_, "people")) ids.push_back(document["id"].get<int>());
  if (refused.empty()) {
    EXPECT_THAT(ids, ElementsAre(1, 2, 3));
  } else {
    EXPECT_EQ(refused.at(0).change, 1U);
    EXPECT_NE(refused.at(0).why, "");
    EXPECT_THAT(ids, ElementsAre(1, 3));
  }
}

TEST_F(MongoStoreTest, WhatAnotherUniqueIndexKeepsOutIsRefusedAndNotTakenForKnown) {
  ReadAll(options_, "people", {"unique:mail"});
  const std::vector<Change> changes = {At(R"({"id": 1, "mail": "a"})", "topic:t/0", 0),
                                       At(R"({"id": 2, "mail": "b"})", "topic:t/0", 1)};
  EXPECT_TRUE(store_.Write(changes).empty());
  const std::vector<Change> more = {At(R"({"id": 3, "mail": "a"})", "topic:t/0", 2),
                                    At(R"({"id": 1, "mail": "b"})", "topic:t/0", 3),
                                    At(R"({"id": 4, "mail": "d"})", "topic:t/0", 4)};
  auto refused = store_.Write(more);
  std::ranges::sort(refused, {}, &MongoStore::Refusal::change);
  ASSERT_EQ(refused.size(), 2U);
  EXPECT_EQ(refused[0].change, 0U);
  EXPECT_EQ(refused[1].change, 1U);
  std::vector<int> ids;
  for (const auto& document : ReadAll(options_, "people")) ids.push_back(document["id"].get<int>());
  EXPECT_THAT(ids, ElementsAre(1, 2, 4));
}

TEST_F(MongoStoreTest, ThousandsOfChangesGoInPieces) {
  std::vector<Change> changes;
  for (int i = 0; i < 2500; ++i) {
    changes.push_back(At(R"({"id": )" + std::to_string(i) + R"(, "name": "n"})", "topic:t/0", i));
  }
  EXPECT_TRUE(store_.Write(changes).empty());
  EXPECT_TRUE(store_.Write(changes).empty());
  EXPECT_EQ(ReadAll(options_, "people").size(), 2500U);
}

TEST_F(MongoStoreTest, ARecordThatIsNoDocumentIsUnfit) {
  const auto cause = [&](const std::string& text) {
    try {
      At(text, "topic:t/0", 0);
      ADD_FAILURE() << text;
    } catch (const Unfit& unfit) {
      return unfit.cause;
    }
    return event::RejectCause::kGap;
  };
  using enum event::RejectCause;
  EXPECT_EQ(cause("[1]"), kNotAnObject);
  EXPECT_EQ(cause("{\"id\": 1"), kMalformed);
  EXPECT_EQ(cause("{\"id\": 1, \"a\": \"\xff\"}"), kInvalidUtf8);
  EXPECT_EQ(cause(R"({"a": 1})"), kMissingKey);
  EXPECT_EQ(cause(R"({"id": null})"), kMissingKey);
  EXPECT_EQ(cause(R"({"id": [1]})"), kMissingKey);
  EXPECT_EQ(cause(R"({"id": 1, "a": 1, "a": 2})"), kDuplicateKey);
  EXPECT_EQ(cause(R"({"id": 1, "_id": 2})"), kContract);
  EXPECT_EQ(cause(R"({"id": 1, "_millrace": {}})"), kContract);
  EXPECT_EQ(cause(R"({"id": 1, "a": {"$oid": "short"}})"), kMalformed);
  EXPECT_EQ(cause(R"({"id": 1, "a": )" + std::string(200, '[') + std::string(200, ']') + "}"), kTooDeep);
  EXPECT_EQ(cause(R"({"id": 1, "a": ")" + std::string(size_t{17} << 20, 'x') + "\"}"), kTooLarge);
}

TEST_F(MongoStoreTest, OneConnectionIsEnough) {
  auto options = options_;
  options.server.uri += "?maxPoolSize=1";
  MongoStore store(options);
  const event::SplitId split("topic:t/0");
  EXPECT_TRUE(store.MovePositions({}, {{split, OffsetCursor(5)}}));
  EXPECT_FALSE(store.MovePositions({}, {{split, OffsetCursor(6)}}));
  std::vector<Change> changes;
  for (int i = 0; i < 2500; ++i) changes.push_back(At(R"({"id": )" + std::to_string(i) + "}", "topic:t/0", i));
  EXPECT_TRUE(store.Write(changes).empty());
}

TEST_F(MongoStoreTest, APositionMovesOnlyFromWhereItIs) {
  const event::SplitId split("topic:t/0");
  EXPECT_TRUE(store_.ReadPositions().empty());
  EXPECT_TRUE(store_.MovePositions({}, {{split, OffsetCursor(5)}}));
  EXPECT_TRUE(store_.MovePositions({}, {{split, OffsetCursor(5)}})) << "an answer that was lost";
  EXPECT_FALSE(store_.MovePositions({}, {{split, OffsetCursor(6)}}));
  EXPECT_FALSE(store_.MovePositions({{split, OffsetCursor(4)}}, {{split, OffsetCursor(7)}}));
  EXPECT_TRUE(store_.MovePositions({{split, OffsetCursor(5)}}, {{split, OffsetCursor(7)}}));
  EXPECT_EQ(store_.ReadPositions(), (event::Positions{{split, OffsetCursor(7)}}));
}

TEST(MongoClients, AnAddressThatIsNoneIsAnErrorWithoutItsPassword) {
  io::MongoOptions options;
  options.uri = "mongodb://user:hidden@/?x";
  try {
    const io::MongoClients clients(options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfig);
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("hidden")));
  }
}

TEST(MongoStoreOutage, AllPiecesOfAChunkWaitForTheServer) {
  MongoStoreOptions options;
  options.server.uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50";
  options.database = options.collection = "x";
  const HandClock clock;
  MongoStore store(options, clock);
  RecordParser parser(1 << 20);
  std::vector<Change> changes;
  const auto record = PaddedBuffer::CopyOf(R"({"name": "n"})");
  for (int i = 0; i < 5000; ++i) {
    const Version version{event::SplitId("topic:t/0"), i, {}};
    auto encoded = store.EncodeAtPlace(parser.Record(record->view()), version);
    changes.push_back({version, encoded.id, encoded.body, false});
  }
  std::stop_source stop;
  int waits = 0;
  const io::OutagePatience patience(stop.get_token(),
                                    {.on_wait =
                                         [&](const std::string&, std::chrono::milliseconds) {
                                           if (++waits == 3) stop.request_stop();
                                         }},
                                    clock);
  try {
    store.Write(changes);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  }
  EXPECT_EQ(waits, 3);
}

TEST(MongoClients, AServerThatIsAwayIsUnavailable) {
  MongoStoreOptions options;
  options.server.uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200";
  options.database = options.collection = "x";
  MongoStore store(options);
  try {
    store.ReadPositions();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  }
}

}  // namespace
}  // namespace millrace::document
