#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/hand_clock.h"
#include "contract/sink_contract.h"
#include "document/document_sink.h"
#include "document/document_store.h"
#include "document/record_parser.h"
#include "io/outage_patience.h"

/// What every DocumentStore does. In the test file of an implementation: derive from DocumentStoreFixture, then
/// INSTANTIATE_TYPED_TEST_SUITE_P(Name, DocumentStoreContract, MyFixture), and SinkContract with KeyedSink<MyFixture>
/// and AppendingSink<MyFixture>.
namespace millrace::document {

/// A collection, or what a store calls it, that is empty at first. What it gives is read by another client.
class DocumentStoreFixture {
 public:
  virtual ~DocumentStoreFixture() = default;
  /// The store onto it for this key; empty: each record is a document of its own. Several may be open.
  virtual std::unique_ptr<DocumentStore> Open(const std::vector<std::string>& key, const Clock& clock) = 0;
  /// One whose server is away, which is known at once.
  virtual std::unique_ptr<DocumentStore> OpenAway(const Clock& clock) = 0;
  virtual nlohmann::json Documents() = 0;
  virtual nlohmann::json Quarantine() = 0;
  /// Somebody else's document {"name": name} under the id 1.
  virtual void PutForeign(const std::string& name) = 0;
  /// Why it cannot run here; empty: it can.
  static std::string Lacks() { return ""; }
  static constexpr int kMany = 2500;       // more than fit into one request
  static constexpr int kWholeDigits = 32;  // a whole number of so many is kept
};

/// Changes for a store, of records as they come.
class ChangeMaker {
 public:
  ChangeMaker(DocumentStore& store, std::vector<std::string> key) : store_(store), key_(std::move(key)) {}

  Change At(const std::string& text, const std::string& split, int64_t offset, int64_t seconds = 0) {
    const Version version{event::SplitId(split), offset, Timestamp(std::chrono::seconds(seconds))};
    const auto padded = PaddedBuffer::CopyOf(text);
    const auto record = parser_.Record(padded->view());
    auto encoded = key_.empty() ? store_.EncodeAtPlace(record, version) : store_.Encode(record, key_, version);
    return {version, encoded.id, encoded.body, !key_.empty()};
  }
  Change Deleted(const std::string& key, const std::string& split, int64_t offset, int64_t seconds = 0) {
    const Version version{event::SplitId(split), offset, Timestamp(std::chrono::seconds(seconds))};
    auto encoded = store_.EncodeDeleted(parser_.Key(key, key_, PlainKeys::kJson), key_, version);
    return {version, encoded.id, encoded.body, true};
  }
  void Put(const Change& change) {
    for (const auto& refusal : store_.Write({&change, 1})) ADD_FAILURE() << refusal.why;
  }
  /// Why a record is no document; kGap when it is one.
  event::RejectCause CauseOf(const std::string& text) {
    try {
      At(text, "topic:t/0", 0);
    } catch (const Unfit& unfit) {
      EXPECT_NE(unfit.detail, "");
      return unfit.cause;
    }
    return event::RejectCause::kGap;
  }

 private:
  DocumentStore& store_;
  const std::vector<std::string> key_;
  RecordParser parser_{size_t{32} << 20};
};

template <typename Fixture>
class DocumentStoreContract : public testing::Test {
 protected:
  void SetUp() override {
    if (!Fixture::Lacks().empty()) GTEST_SKIP() << Fixture::Lacks();
    Use({"id"});
  }
  void Use(std::vector<std::string> key) {
    store_ = fixture_.Open(key, clock_);
    make_ = std::make_unique<ChangeMaker>(*store_, std::move(key));
  }
  /// Of the only document; empty when it is deleted.
  std::string Name() {
    const auto all = fixture_.Documents();
    return all.size() == 1 && all[0].contains("name") ? all[0]["name"] : "";
  }

  const HandClock clock_;
  Fixture fixture_;
  std::unique_ptr<DocumentStore> store_;
  std::unique_ptr<ChangeMaker> make_;
};
TYPED_TEST_SUITE_P(DocumentStoreContract);

TYPED_TEST_P(DocumentStoreContract, TheNewerOfTwoChangesStandsWhateverComesLast) {
  auto& make = *this->make_;
  const auto older = make.At(R"({"id": 1, "name": "older"})", "topic:t/0", 4);
  const auto newer = make.At(R"({"id": 1, "name": "newer"})", "topic:t/0", 5);
  make.Put(newer);
  make.Put(older);
  EXPECT_EQ(this->Name(), "newer");
  make.Put(newer);
  EXPECT_EQ(this->Name(), "newer");
  make.Put(make.At(R"({"id": 1, "name": "newest"})", "topic:t/0", 6));
  EXPECT_EQ(this->Name(), "newest");
}

TYPED_TEST_P(DocumentStoreContract, BetweenSplitsTheTimeDecidesAndThenTheName) {
  auto& make = *this->make_;
  make.Put(make.At(R"({"id": 1, "name": "early"})", "topic:a/0", 100, 10));
  make.Put(make.At(R"({"id": 1, "name": "late"})", "topic:b/0", 1, 11));
  EXPECT_EQ(this->Name(), "late");
  make.Put(make.At(R"({"id": 1, "name": "early again"})", "topic:a/0", 101, 10));
  EXPECT_EQ(this->Name(), "late");
  make.Put(make.At(R"({"id": 1, "name": "same time, after it by name"})", "topic:c/0", 0, 11));
  EXPECT_EQ(this->Name(), "same time, after it by name");
  make.Put(make.At(R"({"id": 1, "name": "same time, before it by name"})", "topic:b/0", 7, 11));
  EXPECT_EQ(this->Name(), "same time, after it by name");
}

TYPED_TEST_P(DocumentStoreContract, ADeletedDocumentIsNotBroughtBack) {
  auto& make = *this->make_;
  const auto change = make.At(R"({"id": 1, "name": "a"})", "topic:t/0", 1);
  make.Put(change);
  make.Put(make.Deleted("1", "topic:t/0", 2));
  make.Put(change);
  const auto all = this->fixture_.Documents();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0]["_deleted"], true);
  EXPECT_FALSE(all[0].contains("name"));
  make.Put(make.At(R"({"id": 1, "name": "again"})", "topic:t/0", 3));
  EXPECT_EQ(this->Name(), "again");
}

TYPED_TEST_P(DocumentStoreContract, ADocumentOfSomebodyElseIsReplaced) {
  this->fixture_.PutForeign("theirs");
  EXPECT_EQ(this->Name(), "theirs");
  this->make_->Put(this->make_->At(R"({"id": 1, "name": "ours"})", "topic:t/0", 0));
  EXPECT_EQ(this->Name(), "ours");
}

TYPED_TEST_P(DocumentStoreContract, ARecordWithoutAKeyIsThereOnce) {
  this->Use({});
  const auto change = this->make_->At(R"({"id": 1, "name": "first"})", "topic:t/0", 7);
  this->make_->Put(change);
  this->make_->Put(change);
  this->make_->Put(this->make_->At(R"({"id": 1, "name": "second"})", "topic:t/0", 8));
  const auto all = this->fixture_.Documents();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_NE(all[0]["name"], all[1]["name"]);
  EXPECT_THAT((std::vector<std::string>{all[0]["_id"], all[1]["_id"]}),
              testing::UnorderedElementsAre("topic:t/0/7", "topic:t/0/8"));
}

TYPED_TEST_P(DocumentStoreContract, SeveralMembersMakeAnId) {
  this->Use({"shop", "number"});
  auto& make = *this->make_;
  make.Put(make.At(R"({"number": "7", "shop": "x", "name": "a"})", "topic:t/0", 0));
  make.Put(make.At(R"({"number": "7", "shop": "x", "name": "b"})", "topic:t/0", 1));
  make.Put(make.At(R"({"number": "8", "shop": "x", "name": "c"})", "topic:t/0", 2));
  make.Put(make.At(R"({"number": "9", "shop": "x", "name": "d"})", "topic:t/0", 3));
  make.Put(make.Deleted(R"({"shop": "x", "number": "9"})", "topic:t/0", 4));
  std::vector<std::string> names;
  for (const auto& document : this->fixture_.Documents()) names.push_back(document.value("name", "deleted"));
  EXPECT_THAT(names, testing::UnorderedElementsAre("b", "c", "deleted"));
}

TYPED_TEST_P(DocumentStoreContract, ThousandsOfChangesAreWrittenOnceAndAgain) {
  std::vector<Change> changes;
  for (int i = 0; i < TypeParam::kMany; ++i) {
    changes.push_back(this->make_->At(R"({"id": )" + std::to_string(i) + R"(, "name": "n"})", "topic:t/0", i));
  }
  EXPECT_TRUE(this->store_->Write(changes).empty());
  EXPECT_TRUE(this->store_->Write(changes).empty());
  EXPECT_EQ(this->fixture_.Documents().size(), changes.size());
}

TYPED_TEST_P(DocumentStoreContract, ARecordThatIsNoDocumentIsUnfit) {
  using enum event::RejectCause;
  auto& make = *this->make_;
  EXPECT_EQ(make.CauseOf("[1]"), kNotAnObject);
  EXPECT_EQ(make.CauseOf("{\"id\": 1"), kMalformed);
  EXPECT_EQ(make.CauseOf("{\"id\": 1, \"a\": \"\xff\"}"), kInvalidUtf8);
  EXPECT_EQ(make.CauseOf(R"({"a": 1})"), kMissingKey);
  EXPECT_EQ(make.CauseOf(R"({"id": null})"), kMissingKey);
  EXPECT_EQ(make.CauseOf(R"({"id": [1]})"), kMissingKey);
  EXPECT_EQ(make.CauseOf(R"({"id": 1, "a": 1, "a": 2})"), kDuplicateKey);
  EXPECT_EQ(make.CauseOf(R"({"id": 1, "a": {"b": 1, "b": 2}})"), kDuplicateKey);
  EXPECT_EQ(make.CauseOf(R"({"id": 1, "_millrace": {}})"), kContract);
  EXPECT_EQ(make.CauseOf(R"({"id": 1, "a": )" + std::string(200, '[') + std::string(200, ']') + "}"), kTooDeep);
  EXPECT_EQ(make.CauseOf(R"({"id": 1, "a": ")" + std::string(size_t{17} << 20, 'x') + "\"}"), kTooLarge);
  EXPECT_EQ(make.CauseOf(R"({"id": 1, "a": )" + std::string(50, '7') + "}"), kContract) << "more digits than are kept";
  EXPECT_EQ(make.CauseOf(R"({"id": 1, "a": )" + std::string(TypeParam::kWholeDigits, '7') + "}"), kGap);
}

TYPED_TEST_P(DocumentStoreContract, APositionMovesOnlyFromWhereItIs) {
  using event::OffsetCursor;
  auto& store = *this->store_;
  const event::SplitId split("topic:t/0");
  EXPECT_TRUE(store.ReadPositions().empty());
  EXPECT_TRUE(store.MovePositions({}, {{split, OffsetCursor(5)}}));
  EXPECT_TRUE(store.MovePositions({}, {{split, OffsetCursor(5)}})) << "an answer that was lost";
  EXPECT_FALSE(store.MovePositions({}, {{split, OffsetCursor(6)}}));
  EXPECT_FALSE(store.MovePositions({{split, OffsetCursor(4)}}, {{split, OffsetCursor(7)}}));
  EXPECT_TRUE(store.MovePositions({{split, OffsetCursor(5)}}, {{split, OffsetCursor(7)}}));
  EXPECT_EQ(store.ReadPositions(), (event::Positions{{split, OffsetCursor(7)}}));
}

TYPED_TEST_P(DocumentStoreContract, WhatIsHeldStaysAsItWas) {
  HeldRecord held{.split = event::SplitId("topic:t/0"),
                  .offset = 3,
                  .topic = "t",
                  .partition = 0,
                  .cause = event::RejectCause::kMalformed,
                  .detail = "why",
                  .value = "{",
                  .key = "k",
                  .time = {}};
  HeldRecord bytes = held;
  bytes.offset = 4;
  bytes.value = std::string("\xff\0x", 3);
  HeldRecord large = held;
  large.offset = 5;
  large.value = std::string(size_t{5} << 20, 'x');
  const std::vector<HeldRecord> all = {held, bytes, large};
  this->store_->Hold(all);
  held.detail = "another why";
  this->store_->Hold({&held, 1});
  const auto found = this->fixture_.Quarantine();
  ASSERT_EQ(found.size(), 3U);
  std::vector<std::string> details;
  std::vector<int64_t> sizes;
  for (const auto& one : found) {
    details.push_back(one["detail"]);
    sizes.push_back(one["value_bytes"]);
    EXPECT_EQ(one["cause"], "malformed");
  }
  EXPECT_THAT(details, testing::Each("why"));
  EXPECT_THAT(sizes, testing::UnorderedElementsAre(1, 3, 5 << 20));
}

TYPED_TEST_P(DocumentStoreContract, AServerThatIsAwayIsUnavailable) {
  const auto store = this->fixture_.OpenAway(Clock::System());
  try {
    store->ReadPositions();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  }
}

TYPED_TEST_P(DocumentStoreContract, AnOutageIsWaitedThrough) {
  const auto store = this->fixture_.OpenAway(this->clock_);
  std::stop_source stop;
  int waits = 0;
  const auto on_wait = [&](const std::string&, std::chrono::milliseconds) {
    if (++waits == 3) stop.request_stop();
  };
  const io::OutagePatience patience(stop.get_token(), {.on_wait = on_wait}, this->clock_);
  EXPECT_THROW(store->ReadPositions(), Error);
  EXPECT_EQ(waits, 3);
}

REGISTER_TYPED_TEST_SUITE_P(DocumentStoreContract, TheNewerOfTwoChangesStandsWhateverComesLast,
                            BetweenSplitsTheTimeDecidesAndThenTheName, ADeletedDocumentIsNotBroughtBack,
                            ADocumentOfSomebodyElseIsReplaced, ARecordWithoutAKeyIsThereOnce, SeveralMembersMakeAnId,
                            ThousandsOfChangesAreWrittenOnceAndAgain, ARecordThatIsNoDocumentIsUnfit,
                            APositionMovesOnlyFromWhereItIs, WhatIsHeldStaysAsItWas, AServerThatIsAwayIsUnavailable,
                            AnOutageIsWaitedThrough);

/// The sink onto a store, for SinkContract.
template <typename Fixture, bool kKeyed>
class DocumentSinkFixture : public event::SinkFixture {
 public:
  std::unique_ptr<event::Sink> Open() override {
    DocumentSinkOptions options;
    options.name = "people";
    if (kKeyed) options.key = {"id"};
    return std::make_unique<DocumentSink>(fixture_.Open(options.key, Clock::System()), options, budget_);
  }
  std::vector<int64_t> Landed() override {
    std::vector<int64_t> ids;
    for (const auto& document : fixture_.Documents()) ids.push_back(document.at("id").template get<int64_t>());
    std::ranges::sort(ids);
    return ids;
  }
  std::vector<std::string> Quarantined() override {
    std::vector<std::string> texts;
    for (const auto& held : fixture_.Quarantine()) texts.push_back(held.at("value"));
    return texts;
  }
  static std::string Lacks() { return Fixture::Lacks(); }

 private:
  Fixture fixture_;
  ByteBudget budget_{int64_t{64} << 20};
};
template <typename Fixture>
using KeyedSink = DocumentSinkFixture<Fixture, true>;
template <typename Fixture>
using AppendingSink = DocumentSinkFixture<Fixture, false>;

}  // namespace millrace::document
