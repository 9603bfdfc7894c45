#include "land/committer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/error.h"
#include "catalog/fault_catalog.h"
#include "event/stream.h"
#include "land/lake.h"
#include "land/land_events.h"
#include "land/positions.h"
#include "table/live_files.h"

namespace millrace::land {
namespace {

using catalog::CatalogCall;
using catalog::CatalogFault;
using Effect = CatalogFault::Effect;
using event::OffsetCursor;
using event::SplitId;

const SplitId kSplit{"topic:t/0"};

class CommitterTest : public ::testing::Test {
 protected:
  CommitterTest() {
    lake_.catalog->EnsureNamespace("silver");
    catalog::CreateTable request;
    request.name = name_;
    request.schema.fields = {{.name = "id", .type = schema::ParseType("long")}};
    schema::AssignIds(request.schema, 0);
    lake_.catalog->Create(request);
  }

  catalog::LoadedTable Load() { return *lake_.catalog->Load(name_); }
  /// A commit of one file that moves the split from `from` to `to`.
  LandResult Land(int64_t from, int64_t to, std::stop_token stop = {},
                  std::optional<catalog::LoadedTable> read = std::nullopt) {
    const auto table = Load();
    const std::string key = "silver/t/data/" + std::to_string(++files_) + ".parquet";
    lake_.store->PutIfAbsent(key, "rows");
    table::DataFile file;
    file.file_path = lake_.store->UriOf(key);
    file.record_count = to - from;
    file.file_size_in_bytes = 4;
    Committer committer(faulty_, name_, table.metadata->table_uuid, Clock::System(), &waits_);
    const auto at = [](int64_t offset) { return offset == 0 ? event::kStart : OffsetCursor(offset); };
    const MovePositions move{.scope = "p",
                             .from = {{kSplit, at(from)}},
                             .to = {{kSplit, at(to)}},
                             .stands = nullptr,
                             .read = std::move(read)};
    return committer.Commit({.added = {file}}, move, stop);
  }
  int64_t Records() {
    const auto table = Load();
    int64_t records = 0;
    if (table.metadata->current_snapshot() == nullptr) return 0;
    table::ForEachLiveFile(*lake_.store, *table.metadata, *table.metadata->current_snapshot(), {},
                           [&](const table::ManifestEntry& entry) { records += entry.file.record_count; });
    return records;
  }
  event::Cursor Stored() { return ReadPositions(*Load().metadata, "p").positions[kSplit]; }
  bool HasFile(int number) {
    return lake_.store->Size("silver/t/data/" + std::to_string(number) + ".parquet").has_value();
  }

  testing::TempFolder folder_;
  testing::Lake lake_{folder_.path()};
  catalog::FaultCatalog faulty_{*lake_.catalog};
  event::WaitBoard waits_;
  const catalog::TableName name_{"silver", "t"};
  int files_ = 0;
};

TEST_F(CommitterTest, ALostRequestAndALostAnswerLandOnce) {
  for (const auto effect : {Effect::kLoseRequest, Effect::kLoseAnswer}) {
    faulty_.Inject({.call = CatalogCall::kCommit, .effect = effect, .times = 2});
    const int64_t from = Records();
    EXPECT_TRUE(std::holds_alternative<Landed>(Land(from, from + 10)));
    faulty_.Clear();
    EXPECT_EQ(Records(), from + 10);
    EXPECT_EQ(Stored(), OffsetCursor(from + 10));
  }
  EXPECT_EQ(faulty_.fired(), 3) << "the second lost request, and no second request after the lost answer";
}

TEST_F(CommitterTest, ARequestThatLandsLateAfterItsRetryChangesNothing) {
  faulty_.Inject({.call = CatalogCall::kCommit, .effect = Effect::kLandLate});
  ASSERT_TRUE(std::holds_alternative<Landed>(Land(0, 10)));
  const auto late = faulty_.LandLate();
  ASSERT_EQ(late.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<catalog::Conflict>(late[0]));
  EXPECT_EQ(Records(), 10);
}

TEST_F(CommitterTest, WhoStartsFromAPositionThatMovedLosesItsFilesAndNothingElse) {
  Land(0, 10);
  const auto result = Land(0, 7);
  ASSERT_TRUE(std::holds_alternative<Overtaken>(result));
  EXPECT_EQ(std::get<Overtaken>(result).stored.positions.at(kSplit), OffsetCursor(10));
  EXPECT_TRUE(HasFile(1));
  EXPECT_FALSE(HasFile(2));
  EXPECT_EQ(Records(), 10);
}

TEST_F(CommitterTest, AnUnreadableCatalogueIsAskedAgain) {
  faulty_.Inject({.call = CatalogCall::kLoad, .effect = Effect::kFail, .times = 3});
  EXPECT_TRUE(std::holds_alternative<Landed>(Land(0, 10)));
  EXPECT_EQ(faulty_.fired(), 3);
}

TEST_F(CommitterTest, WhatWasReadForACommitIsItsFirstBaseAndNoMoreThanThat) {
  const auto before = Load();
  faulty_.Inject({.call = CatalogCall::kLoad, .effect = Effect::kFail});
  ASSERT_TRUE(std::holds_alternative<Landed>(Land(0, 10, {}, before)));
  EXPECT_EQ(faulty_.fired(), 0) << "nothing was read once more";
  faulty_.Clear();
  // Another writer was there since: what was read then is no base any more.
  const auto old = Load();
  Land(10, 20);
  ASSERT_TRUE(std::holds_alternative<Overtaken>(Land(10, 15, {}, old)));
  ASSERT_TRUE(std::holds_alternative<Landed>(Land(20, 30, {}, Load())));
  EXPECT_EQ(Records(), 30);
  EXPECT_EQ(Stored(), OffsetCursor(30));
}

TEST_F(CommitterTest, WhatACommitWaitsForIsSaidMeanwhile) {
  const auto wait_for = [&](event::WaitKind kind) {
    while (waits_.Get().kind != kind) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  // The first read is Land's own, to learn the uuid.
  faulty_.Inject({.call = CatalogCall::kLoad, .effect = Effect::kFail, .times = 1'000'000});
  auto landed = std::async(std::launch::async, [&] { return Land(0, 10); });
  wait_for(event::WaitKind::kCatalog);
  EXPECT_THAT(waits_.Get().detail, ::testing::HasSubstr("cannot be read"));
  EXPECT_TRUE(waits_.Get().since);
  faulty_.Clear();
  EXPECT_TRUE(std::holds_alternative<Landed>(landed.get()));

  faulty_.Inject({.call = CatalogCall::kCommit, .effect = Effect::kLoseRequest, .times = 1'000'000});
  landed = std::async(std::launch::async, [&] { return Land(10, 20); });
  wait_for(event::WaitKind::kOutcomeUnknown);
  EXPECT_THAT(waits_.Get().detail, ::testing::HasSubstr("is unknown"));
  faulty_.Clear();
  EXPECT_TRUE(std::holds_alternative<Landed>(landed.get()));
}

TEST_F(CommitterTest, AnswersAndWhatBecameOfLostOnesAreCounted) {
  auto& metrics = Metrics::Process();
  const auto counted = [&] {
    return std::vector<double>{metrics.Value(kCommitRequests, {"silver.t", "committed"}),
                               metrics.Value(kCommitRequests, {"silver.t", "unknown"}),
                               metrics.Value(kAmbiguousCommits, {"silver.t", "landed"}),
                               metrics.Value(kAmbiguousCommits, {"silver.t", "not_landed"})};
  };
  auto expected = counted();
  const auto expect_more = [&](std::vector<double> more) {
    for (size_t i = 0; i < more.size(); ++i) expected[i] += more[i];
    EXPECT_EQ(counted(), expected);
  };
  Land(0, 10);
  expect_more({1, 0, 0, 0});
  faulty_.Inject({.call = CatalogCall::kCommit, .effect = Effect::kLoseAnswer});
  Land(10, 20);
  expect_more({0, 1, 1, 0});
  faulty_.Inject({.call = CatalogCall::kCommit, .effect = Effect::kLoseRequest, .times = 2});
  Land(20, 30);
  expect_more({1, 2, 0, 2});
}

TEST_F(CommitterTest, StoppedInDoubtItKeepsEveryFile) {
  faulty_.Inject({.call = CatalogCall::kCommit, .effect = Effect::kLandLate, .times = 1000});
  std::stop_source stop;
  stop.request_stop();
  try {
    Land(0, 10, stop.get_token());
    FAIL() << "an unknown outcome is no outcome";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  }
  EXPECT_TRUE(HasFile(1));
  ASSERT_TRUE(std::holds_alternative<catalog::Committed>(faulty_.LandLate().at(0)));
  EXPECT_EQ(Records(), 10);
  EXPECT_EQ(Stored(), OffsetCursor(10));
}

TEST_F(CommitterTest, PositionsAreFoundBehindWhatOthersPutOnTop) {
  Land(0, 10);
  const auto first = Load();
  Committer stranger(*lake_.catalog, name_, first.metadata->table_uuid);
  stranger.Commit({}, std::nullopt, {});
  EXPECT_EQ(Stored(), OffsetCursor(10));
  EXPECT_EQ(ReadPositions(*Load().metadata, "p").snapshot_id, first.metadata->current_snapshot()->snapshot_id);
  EXPECT_TRUE(ReadPositions(*Load().metadata, "another").positions.empty());
  // Once the snapshot is expired, the property is the only one that knows.
  lake_.catalog->Commit(name_, {}, {table::RemoveSnapshots{{first.metadata->current_snapshot()->snapshot_id}}});
  EXPECT_EQ(Stored(), OffsetCursor(10));
  EXPECT_EQ(ReadPositions(*Load().metadata, "p").snapshot_id, std::nullopt);
  EXPECT_TRUE(std::holds_alternative<Landed>(Land(10, 20)));
  EXPECT_EQ(Stored(), OffsetCursor(20));
}

TEST_F(CommitterTest, AnotherTableOfTheSameNameStops) {
  Committer committer(*lake_.catalog, name_, "00000000-0000-4000-8000-000000000000");
  EXPECT_THROW(committer.Commit({}, std::nullopt, {}), Error);
}

}  // namespace
}  // namespace millrace::land
