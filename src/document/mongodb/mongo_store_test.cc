#include "document/mongodb/mongo_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hand_clock.h"
#include "contract/document_store_contract.h"
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

/// What pymongo reads.
json ReadAll(const MongoStoreOptions& options, const std::string& collection,
             const std::vector<std::string>& inserted = {}) {
  return services::ReadCollection(options.database, collection, inserted);
}

class MongoFixture : public DocumentStoreFixture {
 public:
  std::unique_ptr<DocumentStore> Open(const std::vector<std::string>&, const Clock& clock) override {
    return std::make_unique<MongoStore>(options_, clock);
  }
  std::unique_ptr<DocumentStore> OpenAway(const Clock& clock) override {
    auto away = options_;
    away.server.uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50";
    return std::make_unique<MongoStore>(away, clock);
  }
  json Documents() override { return ReadAll(options_, "people"); }
  json Quarantine() override { return ReadAll(options_, "people_quarantine"); }
  void PutForeign(const std::string& name) override {
    ReadAll(options_, "people", {json{{"_id", 1}, {"name", name}}.dump()});
  }
  static std::string Lacks() { return services::MongoLacks(); }

 private:
  const MongoStoreOptions options_ = Lacks().empty() ? NewDatabase() : MongoStoreOptions{};
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Mongo, DocumentStoreContract, MongoFixture);

}  // namespace millrace::document

namespace millrace::event {
INSTANTIATE_TYPED_TEST_SUITE_P(MongoKeyed, SinkContract, document::KeyedSink<document::MongoFixture>);
INSTANTIATE_TYPED_TEST_SUITE_P(MongoAppending, SinkContract, document::AppendingSink<document::MongoFixture>);
}  // namespace millrace::event

namespace millrace::document {
namespace {

class MongoStoreTest : public testing::Test {
 protected:
  const MongoStoreOptions options_ = NewDatabase();
  const HandClock clock_;
  MongoStore store_{options_, clock_};
  ChangeMaker make_{store_, {"id"}};
};

TEST_F(MongoStoreTest, ANoteOfADeletedDocumentIsForgotten) {
  make_.Put(make_.Deleted("1", "topic:t/0", 2));
  store_.Forget(clock_.Now());
  EXPECT_EQ(ReadAll(options_, "people").size(), 1U);
  store_.Forget(clock_.Now() + std::chrono::seconds(1));
  EXPECT_TRUE(ReadAll(options_, "people").empty());
}

TEST_F(MongoStoreTest, TypesAreKept) {
  ChangeMaker make(store_, {"_id"});
  make.Put(make.At(
      R"({"_id": {"$oid": "65f0c0ffee0123456789abcd"}, "small": -7, "large": 3000000000, "ratio": 0.1, "yes": true,
             "none": null, "text": "a\u0000b ü", "list": [1, {"x": [2.5]}, {}], "sub": {"a": {"b": 1}},
             "at": {"$date": "2026-01-02T03:04:05.678Z"}, "long": {"$numberLong": "5"},
             "digits": 12345678901234567890123456789012})",
      "topic:t/0", 0));
  auto found = ReadAll(options_, "people").at(0);
  found.erase("_millrace");
  EXPECT_EQ(found, json::parse(R"({"_id": {"$oid": "65f0c0ffee0123456789abcd"}, "small": -7, "large": 3000000000,
            "ratio": 0.1, "yes": true, "none": null, "text": "a\u0000b ü", "list": [1, {"x": [2.5]}, {}],
            "sub": {"a": {"b": 1}}, "at": {"$date": "2026-01-02T03:04:05.678Z"}, "long": 5,
            "digits": {"$numberDecimal": "12345678901234567890123456789012"}})"));
}

TEST_F(MongoStoreTest, AnIdOfSeveralMembersIsADocument) {
  ChangeMaker make(store_, {"shop", "number"});
  make.Put(make.At(R"({"number": 7, "shop": "x"})", "topic:t/0", 0));
  EXPECT_EQ(ReadAll(options_, "people").at(0)["_id"], json::parse(R"({"shop": "x", "number": 7})"));
}

TEST_F(MongoStoreTest, WhatTheServerRefusesIsSaidOfThatDocumentAlone) {
  // Names with a dot or a dollar: some servers take them, others do not; the neighbours land either way.
  const std::vector<Change> changes = {make_.At(R"({"id": 1, "name": "a"})", "topic:t/0", 0),
                                       make_.At(R"({"id": 2, "$set": 1, "name": "b"})", "topic:t/0", 1),
                                       make_.At(R"({"id": 3, "name": "c"})", "topic:t/0", 2)};
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
  const std::vector<Change> changes = {make_.At(R"({"id": 1, "mail": "a"})", "topic:t/0", 0),
                                       make_.At(R"({"id": 2, "mail": "b"})", "topic:t/0", 1)};
  EXPECT_TRUE(store_.Write(changes).empty());
  const std::vector<Change> more = {make_.At(R"({"id": 3, "mail": "a"})", "topic:t/0", 2),
                                    make_.At(R"({"id": 1, "mail": "b"})", "topic:t/0", 3),
                                    make_.At(R"({"id": 4, "mail": "d"})", "topic:t/0", 4)};
  auto refused = store_.Write(more);
  std::ranges::sort(refused, {}, &MongoStore::Refusal::change);
  ASSERT_EQ(refused.size(), 2U);
  EXPECT_EQ(refused[0].change, 0U);
  EXPECT_EQ(refused[1].change, 1U);
  std::vector<int> ids;
  for (const auto& document : ReadAll(options_, "people")) ids.push_back(document["id"].get<int>());
  EXPECT_THAT(ids, ElementsAre(1, 2, 4));
}

TEST_F(MongoStoreTest, WhatIsMongosOwnIsUnfit) {
  EXPECT_EQ(make_.CauseOf(R"({"id": 1, "_id": 2})"), event::RejectCause::kContract);
  EXPECT_EQ(make_.CauseOf(R"({"id": 1, "a": {"$oid": "short"}})"), event::RejectCause::kMalformed);
}

TEST_F(MongoStoreTest, OneConnectionIsEnough) {
  auto options = options_;
  options.server.uri += "?maxPoolSize=1";
  MongoStore store(options);
  const event::SplitId split("topic:t/0");
  EXPECT_TRUE(store.MovePositions({}, {{split, OffsetCursor(5)}}));
  EXPECT_FALSE(store.MovePositions({}, {{split, OffsetCursor(6)}}));
  std::vector<Change> changes;
  for (int i = 0; i < 2500; ++i) changes.push_back(make_.At(R"({"id": )" + std::to_string(i) + "}", "topic:t/0", i));
  EXPECT_TRUE(store.Write(changes).empty());
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

}  // namespace
}  // namespace millrace::document
