#include "land/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "catalog/fault_catalog.h"
#include "contract/sink_contract.h"
#include "land/committer.h"
#include "land/lake.h"
#include "land/plain_decoder.h"
#include "land/table_sink.h"
#include "table/expire.h"

namespace millrace::land {
namespace {

using event::BatchOf;
using event::CommitOutcome;
using event::Ids;
using event::OffsetCursor;
using event::RecordOf;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Lake;
using testing::ReadTable;
using testing::TempFolder;
using Published = Replay::Published;
using Stage = Replay::Standing::Stage;

const event::SplitId kSplit{"topic:t/0"};

/// The first batch of a range begins at kStart: nothing of the range has landed.
event::EventBatchPtr Stretch(int64_t first, int64_t end) {
  auto batch = std::make_shared<event::EventBatch>(*Ids(first, end));
  batch->begin = event::kStart;
  return batch;
}

class ReplayTest : public ::testing::Test {
 protected:
  std::unique_ptr<TableSink> SinkOver(catalog::Catalog& catalog, const std::string& scope, bool leaves = false) {
    TableSinkOptions options;
    options.table.name = kTable;
    options.scope = scope;
    options.decoder = [] { return std::make_unique<testing::PlainDecoder>(); };
    options.lanes = 1;
    options.key = key_;
    options.key_index_folder = folder_.path() / ("keys-" + scope);
    options.leaves_quarantined = leaves;
    if (scope == "replay:r") options.table.properties = Replay::Properties("r", Plan());
    auto sink = std::make_unique<TableSink>(catalog, options, budget_);
    sink->Recover();
    return sink;
  }
  /// What the pipeline itself lands.
  void LandOnMain(int64_t first, int64_t end) {
    const auto sink = SinkOver(*lake_.catalog, "pipe");
    sink->Write(Ids(first, end));
    ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  }
  ReplayPlan Plan() const { return {.topic = "t", .ranges = {{kSplit, range_}}}; }
  Replay Make(catalog::Catalog& catalog) { return {catalog, {.table = kTable, .name = "r", .key = key_}}; }

  void LandOnBranch(Replay& replay) {
    ASSERT_EQ(replay.Begin(Plan(), {}).stage, Stage::kUnderWay);
    const auto sink = SinkOver(replay.branch(), "replay:r", true);
    sink->Write(Stretch(range_.begin, range_.end));
    ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  }

  std::vector<json> Rows() { return ReadTable(folder_.path(), "silver.events", {"id"}); }
  table::TableMetadata Metadata() { return *lake_.catalog->Load(kTable)->metadata; }
  std::vector<json> Numbers(std::initializer_list<std::pair<int64_t, int64_t>> ranges) {
    std::vector<json> numbers;
    for (const auto& [first, end] : ranges) {
      for (const int64_t id : event::Range(first, end)) numbers.emplace_back(id);
    }
    std::ranges::sort(numbers);
    return numbers;
  }

  const catalog::TableName kTable{"silver", "events"};
  TempFolder folder_;
  Lake lake_{folder_.path()};
  ByteBudget budget_{int64_t{64} << 20};
  std::vector<std::string> key_;
  OffsetRange range_{.begin = 2, .end = 6};
};

TEST_F(ReplayTest, NothingIsSeenBeforeAllOfItIs) {
  LandOnMain(0, 10);
  const auto positions = ReadPositions(Metadata(), "pipe").positions;
  Replay replay = Make(*lake_.catalog);
  LandOnBranch(replay);
  EXPECT_EQ(Rows(), Numbers({{0, 10}}));
  EXPECT_EQ(replay.Look().landed.at(kSplit), OffsetCursor(6));
  ASSERT_EQ(replay.Publish({}), Published::kDone);
  EXPECT_EQ(Rows(), Numbers({{0, 10}, {2, 6}}));
  EXPECT_EQ(ReadPositions(Metadata(), "pipe").positions, positions);
  EXPECT_EQ(Metadata().refs.size(), 1U) << "the branch is gone";
  EXPECT_FALSE(Metadata().properties.contains("millrace.replay.r"));
  LandOnMain(10, 12);
  EXPECT_EQ(Rows(), Numbers({{0, 12}, {2, 6}}));
}

TEST_F(ReplayTest, OnceDoneItStaysDone) {
  LandOnMain(0, 10);
  Replay replay = Make(*lake_.catalog);
  LandOnBranch(replay);
  ASSERT_EQ(replay.Publish({}), Published::kDone);
  EXPECT_EQ(replay.Publish({}), Published::kDone);
  EXPECT_EQ(Make(*lake_.catalog).Begin(Plan(), {}).stage, Stage::kDone);
  // Its snapshot is no reason to keep old ones, and when it has gone the table still knows.
  LandOnMain(10, 11);
  const auto before = Metadata();
  const auto expiry = table::PlanExpiry(before, {.snapshot_age_max = std::chrono::milliseconds(0), .snapshots_min = 1},
                                        Clock::System().Now());
  EXPECT_EQ(expiry.expired.size(), before.snapshots.size() - 1);
  ASSERT_TRUE(std::holds_alternative<catalog::Committed>(
      lake_.catalog->Commit(kTable, expiry.change.requirements, expiry.change.updates)));
  EXPECT_EQ(replay.Look().stage, Stage::kDone);
}

TEST_F(ReplayTest, WhatThePipelineLandsMeanwhileStays) {
  LandOnMain(0, 10);
  Replay replay = Make(*lake_.catalog);
  LandOnBranch(replay);
  LandOnMain(10, 20);
  ASSERT_EQ(replay.Publish({}), Published::kDone);
  EXPECT_EQ(Rows(), Numbers({{0, 20}, {2, 6}}));
  EXPECT_EQ(ReadPositions(Metadata(), "pipe").positions.at(kSplit), OffsetCursor(20));
  EXPECT_EQ(replay.Look().stage, Stage::kDone);
  EXPECT_EQ(Metadata().refs.size(), 1U);
}

TEST_F(ReplayTest, KeysThatTheTableHasAreNotLandedTwice) {
  key_ = {"id"};
  LandOnMain(0, 4);
  Replay replay = Make(*lake_.catalog);
  LandOnBranch(replay);
  ASSERT_EQ(replay.Publish({}), Published::kDone);
  EXPECT_EQ(Rows(), Numbers({{0, 6}}));
}

TEST_F(ReplayTest, AKeyThatLandsMeanwhileMakesItStartOver) {
  key_ = {"id"};
  LandOnMain(0, 3);
  Replay replay = Make(*lake_.catalog);
  LandOnBranch(replay);
  LandOnMain(3, 5);
  ASSERT_EQ(replay.Publish({}), Published::kStartOver);
  EXPECT_EQ(replay.Look().landed, event::Positions{});
  LandOnBranch(replay);
  ASSERT_EQ(replay.Publish({}), Published::kDone);
  EXPECT_EQ(Rows(), Numbers({{0, 6}}));
}

TEST_F(ReplayTest, OtherKeysThatLandMeanwhileDoNot) {
  key_ = {"id"};
  LandOnMain(0, 3);
  Replay replay = Make(*lake_.catalog);
  LandOnBranch(replay);
  const auto other = SinkOver(*lake_.catalog, "another");
  other->Write(BatchOf({RecordOf(50), RecordOf(51)}, 0, "topic:u/0"));
  ASSERT_EQ(other->Commit({}), CommitOutcome::kCommitted);
  ASSERT_EQ(replay.Publish({}), Published::kDone);
  EXPECT_EQ(Rows(), Numbers({{0, 6}, {50, 52}}));
}

TEST_F(ReplayTest, AWriterWhoseKeysWereReplayedMeanwhileStartsOver) {
  key_ = {"id"};
  LandOnMain(0, 3);
  Replay replay = Make(*lake_.catalog);
  LandOnBranch(replay);
  const auto sink = SinkOver(*lake_.catalog, "pipe");
  sink->Write(Ids(3, 8));
  ASSERT_EQ(replay.Publish({}), Published::kDone);
  EXPECT_EQ(sink->Commit({}), CommitOutcome::kConflict) << "it claimed keys that the table has by now";
  sink->Write(Ids(3, 8));
  EXPECT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(Rows(), Numbers({{0, 8}}));
}

TEST_F(ReplayTest, ATableThatIsNotThereYetIsMade) {
  Replay replay = Make(*lake_.catalog);
  LandOnBranch(replay);
  EXPECT_EQ(replay.Look().stage, Stage::kUnderWay);
  EXPECT_THAT(Rows(), IsEmpty());
  ASSERT_EQ(replay.Publish({}), Published::kDone);
  EXPECT_EQ(Rows(), Numbers({{2, 6}}));
}

TEST_F(ReplayTest, ABranchThatSomebodyDroppedIsLandedAgain) {
  LandOnMain(0, 10);
  Replay replay = Make(*lake_.catalog);
  LandOnBranch(replay);
  ASSERT_TRUE(std::holds_alternative<catalog::Committed>(
      lake_.catalog->Commit(kTable, {}, {table::RemoveSnapshotRef{"replay-r"}})));
  EXPECT_EQ(replay.Publish({}), Published::kStartOver);
  LandOnBranch(replay);
  ASSERT_EQ(replay.Publish({}), Published::kDone);
  EXPECT_EQ(Rows(), Numbers({{0, 10}, {2, 6}}));
}

TEST_F(ReplayTest, GivenUpItLeavesTheTableAsItWas) {
  LandOnMain(0, 10);
  const auto before = Metadata();
  Replay replay = Make(*lake_.catalog);
  LandOnBranch(replay);
  replay.Abandon({});
  EXPECT_EQ(Rows(), Numbers({{0, 10}}));
  EXPECT_EQ(Metadata().properties, before.properties);
  EXPECT_EQ(Metadata().refs.size(), 1U);
  EXPECT_EQ(replay.Look().stage, Stage::kNew);
  EXPECT_THROW(replay.Abandon({}), Error);
}

TEST_F(ReplayTest, ItIsPublishedOnceWhateverAnswersAreLost) {
  using Effect = catalog::CatalogFault::Effect;
  for (const bool main_moves : {false, true}) {
    for (const Effect effect : {Effect::kLoseRequest, Effect::kLoseAnswer, Effect::kLandLate}) {
      const TempFolder folder;
      const Lake lake(folder.path());
      ASSERT_NO_FATAL_FAILURE({
        catalog::FaultCatalog faulty(*lake.catalog);
        TableSinkOptions options;
        options.table.name = kTable;
        options.scope = "pipe";
        options.decoder = [] { return std::make_unique<testing::PlainDecoder>(); };
        options.lanes = 1;
        const auto land = [&](catalog::Catalog& catalog, const std::string& scope, const event::EventBatchPtr& batch) {
          options.scope = scope;
          TableSink sink(catalog, options, budget_);
          sink.Recover();
          sink.Write(batch);
          ASSERT_EQ(sink.Commit({}), CommitOutcome::kCommitted);
        };
        land(*lake.catalog, "pipe", Ids(0, 10));
        Replay replay = Make(faulty);
        replay.Begin(Plan(), {});
        land(replay.branch(), "replay:r", Stretch(2, 6));
        if (main_moves) land(*lake.catalog, "pipe", Ids(10, 12));
        faulty.Inject({.effect = effect});
        ASSERT_EQ(replay.Publish({}), Published::kDone);
        EXPECT_EQ(faulty.fired(), 1);
        faulty.LandLate();
        EXPECT_EQ(ReadTable(folder.path(), "silver.events", {"id"}), Numbers({{0, main_moves ? 12 : 10}, {2, 6}}));
      });
    }
  }
}

TEST_F(ReplayTest, RecordsInQuarantineAreLeftThere) {
  const auto sink = SinkOver(*lake_.catalog, "pipe");
  sink->Write(BatchOf({RecordOf(0), "{broken", RecordOf(2), "{broken too"}, 0));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  range_ = {.begin = 0, .end = 4};
  Replay replay = Make(*lake_.catalog);
  ASSERT_EQ(replay.Begin(Plan(), {}).stage, Stage::kUnderWay);
  const auto again = SinkOver(replay.branch(), "replay:r", true);
  // The decoder has been mended for the one, and not for the other.
  again->Write(BatchOf({RecordOf(0), RecordOf(1), RecordOf(2), "{broken too"}, 0));
  ASSERT_EQ(again->Commit({}), CommitOutcome::kCommitted);
  ASSERT_EQ(replay.Publish({}), Published::kDone);
  EXPECT_THAT(Rows(), ElementsAre(0, 0, 2, 2));
  EXPECT_THAT(ReadTable(folder_.path(), "quarantine.silver_events", {"offset"}), ElementsAre(1, 3));
}

TEST(ReplayPlan, IsReadAsItWasWritten) {
  ReplayPlan plan{.topic = "t \"x\"",
                  .ranges = {{kSplit, {2, 6}}, {event::SplitId("topic:t/1"), {0, int64_t{1} << 40}}}};
  EXPECT_EQ(ParseReplayPlan(PrintReplayPlan(plan), "it"), plan);
  plan.event_times = {Timestamp(std::chrono::microseconds(1)), Timestamp(std::chrono::seconds(2'000'000'000))};
  plan.fork = table::SnapshotId((int64_t{1} << 62) + 1);
  EXPECT_EQ(ParseReplayPlan(PrintReplayPlan(plan), "it"), plan);
  for (const char* text : {"", "{}", "[]", R"({"version":2,"topic":"t","ranges":{}})",
                           R"({"version":1,"topic":"t","ranges":{"s":[1]}})"}) {
    EXPECT_THROW(ParseReplayPlan(text, "it"), Error) << text;
  }
}

}  // namespace
}  // namespace millrace::land
