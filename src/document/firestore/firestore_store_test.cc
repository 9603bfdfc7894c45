#include "document/firestore/firestore_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "contract/document_store_contract.h"
#include "services/firestore_server.h"

namespace millrace::document {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

/// A collection of its own.
FirestoreStoreOptions NewCollection(const std::string& endpoint) {
  static int made = 0;
  FirestoreStoreOptions options;
  options.server = services::FirestoreAt(endpoint);
  options.collection = "people" + std::to_string(++made);
  options.positions_collection = "positions";
  options.scope = options.collection + "/pipeline/people";
  return options;
}

class FirestoreFixture : public DocumentStoreFixture {
 public:
  explicit FirestoreFixture(const std::string& (*endpoint)() = services::FirestoreEndpoint,
                            FirestoreApi api = FirestoreApi::kGrpc) {
    if (!Lacks().empty()) return;
    options_ = NewCollection(endpoint());
    options_.server.api = api;
  }
  std::unique_ptr<DocumentStore> Open(const std::vector<std::string>&, const Clock& clock) override {
    return std::make_unique<FirestoreStore>(options_, clock);
  }
  std::unique_ptr<DocumentStore> OpenAway(const Clock& clock) override {
    auto away = options_;
    away.server.endpoint = "http://127.0.0.1:1";
    away.server.retry.attempts_max = 2;
    return std::make_unique<FirestoreStore>(away, clock);
  }
  json Documents() override { return services::ReadFirestore(options_.collection); }
  json Quarantine() override { return services::ReadFirestore(options_.collection + "_quarantine"); }
  void PutForeign(const std::string& name) override {
    services::AskFirestore({{"call", "put"}, {"arguments", {options_.collection, "1", name}}});
  }
  static std::string Lacks() { return services::FirestoreLacks(); }
  static constexpr int kMany = 600;
  static constexpr int kWholeDigits = 18;

 private:
  FirestoreStoreOptions options_;
};

struct RestFixture : FirestoreFixture {
  RestFixture() : FirestoreFixture(services::FirestoreRestEndpoint, FirestoreApi::kRest) {}
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Firestore, DocumentStoreContract, FirestoreFixture);
INSTANTIATE_TYPED_TEST_SUITE_P(FirestoreRest, DocumentStoreContract, RestFixture);

}  // namespace millrace::document

namespace millrace::event {
INSTANTIATE_TYPED_TEST_SUITE_P(FirestoreKeyed, SinkContract, document::KeyedSink<document::FirestoreFixture>);
INSTANTIATE_TYPED_TEST_SUITE_P(FirestoreAppending, SinkContract, document::AppendingSink<document::FirestoreFixture>);
}  // namespace millrace::event

namespace millrace::document {
namespace {

class FirestoreStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!services::FirestoreLacks().empty()) GTEST_SKIP() << services::FirestoreLacks();
    Use(NewCollection(services::FirestoreEndpoint()));
  }
  void Use(FirestoreStoreOptions options, std::vector<std::string> key = {"id"}) {
    options_ = std::move(options);
    store_ = std::make_unique<FirestoreStore>(options_, clock_);
    make_ = std::make_unique<ChangeMaker>(*store_, std::move(key));
  }
  json Documents() { return services::ReadFirestore(options_.collection); }
  std::vector<Change> Many(int count, int64_t first_offset = 0) {
    std::vector<Change> changes;
    for (int i = 0; i < count; ++i) {
      changes.push_back(make_->At(R"({"id": )" + std::to_string(i) + "}", "topic:t/0", first_offset + i));
    }
    return changes;
  }
  std::string IdOf(const std::string& record, std::vector<std::string> key = {"id"}) {
    return ChangeMaker(*store_, std::move(key)).At(record, "topic:t/0", 0).id;
  }

  HandClock clock_;
  FirestoreStoreOptions options_;
  std::unique_ptr<FirestoreStore> store_;
  std::unique_ptr<ChangeMaker> make_;
};

TEST_F(FirestoreStoreTest, TypesAreKept) {
  const std::string record =
      R"({"id": "a/b", "small": -7, "large": 9007199254740991, "ratio": 0.1, "whole": 1e3, "beyond": 340282366920938463463374607431768211456,
      "exact": 0.1000000000000000055511151231257827, "yes": true, "no": false, "none": null, "text": "a\u0000\"\\\n ü\ud83d\ude00",
      "empty": "", "list": [1, {"x": [2.5]}, {}], "sub": {"a": {"b": 1}}, "with.dot `x`": 1})";
  make_->Put(make_->At(record, "topic:t/0", 4711, 12));
  auto found = Documents().at(0);
  EXPECT_EQ(found["_millrace"],
            json::parse(R"({"split": "topic:t/0", "offset": 4711, "time": "1970-01-01T00:00:12+00:00"})"));
  found.erase("_millrace");
  auto wanted = json::parse(record);
  wanted["_id"] = "a/b";
  EXPECT_EQ(found, wanted);
}

TEST_F(FirestoreStoreTest, AnIdIsWhatTheKeySaysAsFarAsFirestoreTakesIt) {
  EXPECT_EQ(IdOf(R"({"id": 7})"), "7");
  EXPECT_EQ(IdOf(R"({"id": "7"})"), "7");
  EXPECT_EQ(IdOf(R"({"id": 9223372036854775807})"), "9223372036854775807");
  EXPECT_EQ(IdOf(R"({"id": "100%/a|ü"})"), "100%25%2Fa|ü");
  EXPECT_EQ(IdOf(R"({"id": ".."})"), "%2E.");
  EXPECT_EQ(IdOf(R"({"id": "__x__"})"), "%5F_x__");
  EXPECT_EQ(IdOf(R"({"a": "x|y", "b": 7})", {"a", "b"}), "x%7Cy|7");
  EXPECT_NE(IdOf(R"({"a": "x|y", "b": "z"})", {"a", "b"}), IdOf(R"({"a": "x", "b": "y|z"})", {"a", "b"}));
}

TEST_F(FirestoreStoreTest, WhatFirestoreHasNoPlaceForIsUnfit) {
  using enum event::RejectCause;
  EXPECT_EQ(make_->CauseOf(R"({"id": ""})"), kMissingKey);
  EXPECT_EQ(make_->CauseOf(R"({"id": true})"), kMissingKey);
  EXPECT_EQ(make_->CauseOf(R"({"id": 1.5})"), kContract);
  EXPECT_EQ(make_->CauseOf(R"({"id": ")" + std::string(1501, 'x') + "\"}"), kTooLarge);
  EXPECT_EQ(make_->CauseOf(R"({"id": 1, "": 1})"), kContract);
  EXPECT_EQ(make_->CauseOf(R"({"id": 1, "a": {"__b__": 1}})"), kContract);
  EXPECT_EQ(make_->CauseOf(R"({"id": 1, ")" + std::string(1501, 'x') + "\": 1}"), kTooLarge);
  EXPECT_EQ(make_->CauseOf(R"({"id": 1, "a": [[1]]})"), kContract);
  EXPECT_EQ(make_->CauseOf(R"({"id": 1, "_millrace_expires": 1})"), kContract);
  EXPECT_EQ(make_->CauseOf(R"({"id": 1, "a": 9223372036854775809})"), kContract);
  EXPECT_EQ(make_->CauseOf(R"({"id": 1, "a": 0.12345678901234567890})"), kContract);
  EXPECT_EQ(make_->CauseOf(R"({"id": 1, "a": ")" + std::string(size_t{1} << 20, 'x') + "\"}"), kTooLarge);
  std::string deep = "1";
  for (int i = 0; i < 21; ++i) deep.insert(0, R"({"a": )") += "}";
  EXPECT_EQ(make_->CauseOf(R"({"id": 1, "a": )" + deep + "}"), kTooDeep);
}

TEST_F(FirestoreStoreTest, ALongNumberIsKeptAsTextWhereThatIsWanted) {
  auto options = options_;
  options.long_numbers = LongNumbers::kText;
  Use(options);
  make_->Put(
      make_->At(R"({"id": 1, "a": 12345678901234567890123, "b": [0.12345678901234567890, 0.5]})", "topic:t/0", 0));
  const auto found = Documents().at(0);
  EXPECT_EQ(found["a"], "12345678901234567890123");
  EXPECT_EQ(found["b"], json::parse(R"(["0.12345678901234567890", 0.5])"));
}

TEST_F(FirestoreStoreTest, WorkersThatWriteTheSameDocumentsEndWithTheNewest) {
  constexpr int kDocuments = 40;
  std::vector<std::jthread> workers;
  for (int64_t turn = 0; turn < 6; ++turn) {
    const auto changes = Many(kDocuments, turn * 100);
    workers.emplace_back([this, changes] {
      auto options = options_;
      FirestoreStore store(options, clock_);
      EXPECT_TRUE(store.Write(changes).empty());
      EXPECT_TRUE(store.Write(changes).empty());
    });
  }
  workers.clear();
  const auto found = Documents();
  ASSERT_EQ(found.size(), size_t{kDocuments});
  for (const auto& document : found) EXPECT_GE(document["_millrace"]["offset"], 500) << document;
}

TEST_F(FirestoreStoreTest, NotesOfDeletedDocumentsGoWhenTheirTimeIsOverUnlessTheyAreDocumentsAgain) {
  std::vector<Change> changes;
  for (int i = 0; i < 300; ++i) changes.push_back(make_->Deleted(std::to_string(i), "topic:t/0", i));
  EXPECT_TRUE(store_->Write(changes).empty());
  const auto deleted = clock_.Now();
  make_->Put(make_->At(R"({"id": 7})", "topic:t/0", 1000));
  store_->Forget(deleted);
  EXPECT_EQ(Documents().size(), 300U) << "not before that time";
  store_->Forget(deleted + std::chrono::milliseconds(1));
  const auto left = Documents();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0]["_id"], "7");
}

TEST_F(FirestoreStoreTest, ACollectionBelowADocumentIsOneToo) {
  auto options = options_;
  options.collection = "shops/x/" + options.collection;
  Use(options);
  make_->Put(make_->Deleted("1", "topic:t/0", 0));
  make_->Put(make_->At(R"({"id": 1})", "topic:t/0", 1));
  make_->Put(make_->Deleted("2", "topic:t/0", 2));
  store_->Forget(clock_.Now() + std::chrono::hours(1));
  EXPECT_TRUE(store_->Write(Many(1)).empty());
}

/// The REST form behind tests/services/fault_proxy.py.
class FirestoreFaultTest : public FirestoreStoreTest {
 protected:
  void SetUp() override {
    if (!services::FirestoreLacks().empty()) GTEST_SKIP() << services::FirestoreLacks();
    proxy_ = std::make_unique<services::Service>("fault_proxy.py",
                                                 std::vector<std::string>{"http", services::FirestoreRestEndpoint()});
    auto options = NewCollection(proxy_->address());
    options.server.api = FirestoreApi::kRest;
    Use(options);
  }
  void Inject(const json& rule) { services::AskJson(proxy_->address() + "/__faults", rule); }
  std::vector<int> Hits() { return services::AskJson(proxy_->address() + "/__faults"); }
  static json Answering(int times, const std::string& status, const std::string& path = ":commit") {
    const json said = {{"error", {{"code", 400}, {"status", status}, {"message", "says the server"}}}};
    return {{"effect", "status"}, {"status", 400}, {"times", times}, {"path", path}, {"body", said.dump()}};
  }
  Error FailureOf(const std::vector<Change>& changes) {
    try {
      store_->Write(changes);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "it was written";
    return {ErrorCode::kInternal, ""};
  }

  std::unique_ptr<services::Service> proxy_;
};

TEST_F(FirestoreFaultTest, ThrottlingIsWaitedForAndNoRecordIsToBlame) {
  for (const auto* status : {"RESOURCE_EXHAUSTED", "UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED"}) {
    Inject(Answering(1, status));
  }
  EXPECT_TRUE(store_->Write(Many(300)).empty());
  EXPECT_EQ(Hits(), (std::vector<int>{1, 1, 1, 1}));
  EXPECT_EQ(Documents().size(), 300U);
}

TEST_F(FirestoreFaultTest, ThrottlingBeyondTheBudgetIsAnOutageThatIsWaitedThrough) {
  auto options = options_;
  options.server.retry.attempts_max = 2;
  Use(options);
  Inject(Answering(5, "RESOURCE_EXHAUSTED"));
  const auto failure = FailureOf(Many(1));
  EXPECT_EQ(failure.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(failure.what(), HasSubstr("says the server"));
  int waits = 0;
  const io::OutagePatience patience({}, {.on_wait = [&](const std::string&, std::chrono::milliseconds) { ++waits; }},
                                    clock_);
  EXPECT_TRUE(store_->Write(Many(1)).empty());
  EXPECT_GE(waits, 1);
  EXPECT_EQ(Documents().size(), 1U);
}

TEST_F(FirestoreFaultTest, AnswersThatAreLostChangeNothing) {
  Inject({{"effect", "lost"}, {"times", 3}, {"path", ":commit"}});
  EXPECT_TRUE(store_->Write(Many(50)).empty());
  EXPECT_EQ(Documents().size(), 50U);
  EXPECT_TRUE(store_->Write(Many(50, 100)).empty());
  for (const auto& document : Documents()) EXPECT_GE(document["_millrace"]["offset"], 100);
  Inject({{"effect", "lost"}, {"path", ":commit"}});
  const event::SplitId split("topic:t/0");
  EXPECT_TRUE(store_->MovePositions({}, {{split, event::OffsetCursor(50)}})) << "it was moved, by us";
  EXPECT_EQ(store_->ReadPositions(), (event::Positions{{split, event::OffsetCursor(50)}}));
}

/// Of a commit of which one write is refused, nothing is done: its neighbours go without it.
TEST_F(FirestoreFaultTest, AWriteThatIsRefusedIsFoundAmongItsNeighbours) {
  Inject(Answering(3, "INVALID_ARGUMENT"));  // of four, of the first two, of the first
  const auto refused = store_->Write(Many(4));
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].change, 0U);
  EXPECT_EQ(refused[0].why, "says the server");
  EXPECT_EQ(Documents().size(), 3U);
}

TEST_F(FirestoreFaultTest, WhatCannotBeMendedByWaitingSaysWhatToDo) {
  const std::map<std::string, std::string> wanted = {{"PERMISSION_DENIED", "roles/datastore.user"},
                                                     {"UNAUTHENTICATED", "check the credentials"},
                                                     {"UNIMPLEMENTED", "check `endpoint` and `api`"}};
  for (const auto& [status, what] : wanted) {
    Inject(Answering(1, status));
    const auto failure = FailureOf(Many(1));
    EXPECT_EQ(failure.code(), ErrorCode::kConfig);
    EXPECT_THAT(failure.what(), AllOf(HasSubstr(status), HasSubstr(what), HasSubstr("says the server")));
  }
  Inject(Answering(1, "NOT_FOUND"));
  Inject(Answering(1, "NOT_FOUND", ":batchGet"));
  EXPECT_THAT(FailureOf(Many(1)).what(), HasSubstr("gcloud firestore databases create"));
}

}  // namespace
}  // namespace millrace::document
