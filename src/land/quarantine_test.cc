#include "land/quarantine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/sink_contract.h"
#include "land/lake.h"
#include "land/plain_decoder.h"
#include "land/table_sink.h"

namespace millrace::land {
namespace {

using event::BatchOf;
using event::CommitOutcome;
using event::OffsetCursor;
using event::RecordOf;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Lake;
using testing::ReadTable;
using testing::TempFolder;

const event::SplitId kSplit{"topic:t/0"};
const event::SplitId kOther{"topic:t/1"};
constexpr const char* kBroken = "{broken";

/// Records of which those at `broken` are none.
event::EventBatchPtr Records(int64_t first, int64_t end, const std::set<int64_t>& broken,
                             const event::SplitId& split = kSplit) {
  std::vector<std::string> lines;
  for (int64_t i = first; i < end; ++i) lines.push_back(broken.contains(i) ? kBroken : RecordOf(i));
  return BatchOf(lines, first, split.value());
}

event::EventBatchPtr AfterGap(int64_t begin, int64_t first, int64_t end) {
  auto batch = std::make_shared<event::EventBatch>(*Records(first, end, {}));
  batch->begin = OffsetCursor(begin);
  batch->gap = event::Gap{.first_offset = begin, .end_offset = first, .why = "retention dropped them"};
  return batch;
}

class QuarantineTest : public ::testing::Test {
 protected:
  std::unique_ptr<TableSink> Open() {
    TableSinkOptions options;
    options.table.name = kTarget;
    options.scope = "pipe";
    options.decoder = [] { return std::make_unique<testing::PlainDecoder>(); };
    options.lanes = 1;
    auto sink = std::make_unique<TableSink>(*lake_.catalog, options, budget_);
    sink->Recover();
    return sink;
  }
  QuarantineWriter Writer() { return {*lake_.catalog, {.target = kTarget, .scope = "pipe"}, budget_}; }

  /// A worker that got as far as the commit of its rejects, and no further.
  void QuarantineOnly(const event::EventBatchPtr& events, const std::vector<uint32_t>& rejected) {
    auto writer = Writer();
    writer.Recover({{events->split, events->begin}});
    std::vector<event::Reject> rejects;
    for (const uint32_t record : rejected) rejects.push_back({.record = record, .cause = {}, .detail = "broken"});
    if (events->gap) writer.AddGap(*events);
    writer.Add(*events, rejects);
    ASSERT_TRUE(writer.Commit({{events->split, events->begin}}, {{events->split, events->end}}, {}));
  }

  std::vector<json> Kept(std::vector<std::string> columns) {
    return ReadTable(folder_.path(), "quarantine.silver_events", std::move(columns));
  }
  std::vector<json> Ids() { return ReadTable(folder_.path(), "silver.events", {"id"}); }

  const catalog::TableName kTarget{"silver", "events"};
  TempFolder folder_;
  Lake lake_{folder_.path()};
  ByteBudget budget_{int64_t{64} << 20};
};

TEST_F(QuarantineTest, AGapIsOneRowWithItsRangeAndThePositionPassesIt) {
  const auto sink = Open();
  sink->Write(Records(0, 3, {}));
  sink->Write(AfterGap(3, 40, 42));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(sink->positions().at(kSplit), OffsetCursor(42));
  EXPECT_EQ(sink->counts().missing, 37U);
  EXPECT_EQ(sink->counts().records, 5U);
  EXPECT_THAT(Ids(), ElementsAre(0, 1, 2, 40, 41));
  EXPECT_THAT(
      Kept({"topic", "partition", "offset", "end_offset", "cause", "detail", "table", "record", "split"}),
      ElementsAre(json({"t", 0, 3, 40, "gap", "retention dropped them", "silver.events", nullptr, "topic:t/0"})));
}

TEST_F(QuarantineTest, AGapWithNothingBehindItIsKeptToo) {
  const auto sink = Open();
  sink->Write(Records(0, 3, {}));
  sink->Write(AfterGap(3, 9, 9));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(sink->positions().at(kSplit), OffsetCursor(9));
  EXPECT_THAT(Kept({"offset", "end_offset"}), ElementsAre(json({3, 9})));
}

TEST_F(QuarantineTest, AGapThatGrewAfterACrashIsThereOnceWholly) {
  {
    const auto sink = Open();
    sink->Write(Records(0, 3, {}));
    ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  }
  QuarantineOnly(AfterGap(3, 10, 12), {});
  QuarantineOnly(AfterGap(3, 15, 16), {});
  const auto sink = Open();
  sink->Write(AfterGap(3, 20, 21));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_THAT(Kept({"offset", "end_offset"}), ElementsAre(json({3, 10}), json({10, 15}), json({15, 20})));
}

TEST_F(QuarantineTest, WhatARecordCameWithIsKept) {
  auto batch = std::make_shared<event::EventBatch>(*Records(0, 2, {0, 1}));
  batch->key_payload = PaddedBuffer::CopyOf("k0");
  batch->keys = {{0, 2}, {0, 0}};
  batch->timestamps = {Timestamp(std::chrono::seconds(1'500'000'000)), Timestamp(std::chrono::seconds(1'500'000'001))};
  const auto sink = Open();
  sink->Write(batch);
  sink->Write(Records(2, 3, {}));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_THAT(Kept({"offset", "key", "event_time", "end_offset", "replayed_at"}),
              ElementsAre(json({0, "k0", "2017-07-14 02:40:00+00:00", nullptr, nullptr}),
                          json({1, nullptr, "2017-07-14 02:40:01+00:00", nullptr, nullptr})));
}

TEST_F(QuarantineTest, OfTwoWorkersAtOnePlaceOnlyOneQuarantines) {
  const auto slow = Open();
  slow->Write(Records(0, 10, {4}));
  const auto fast = Open();
  fast->Write(Records(0, 7, {4}));
  // The slow one dies between its two commits; the fast one had looked before that.
  QuarantineOnly(Records(0, 10, {4}), {4});
  EXPECT_EQ(fast->Commit({}), CommitOutcome::kConflict);
  fast->Write(Records(0, 7, {4}));
  EXPECT_EQ(fast->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(slow->Commit({}), CommitOutcome::kConflict);
  EXPECT_THAT(Kept({"offset"}), ElementsAre(4));
  EXPECT_EQ(Ids().size(), 6U);
}

TEST_F(QuarantineTest, WhatAnOvertakenWorkerQuarantinedFurtherOnIsHeld) {
  const auto fast = Open();
  fast->Write(Records(0, 5, {}));
  QuarantineOnly(Records(0, 10, {8}), {8});
  ASSERT_EQ(fast->Commit({}), CommitOutcome::kCommitted);
  fast->Write(Records(5, 10, {8}));
  EXPECT_EQ(fast->Commit({}), CommitOutcome::kConflict) << "it learns of the other's record";
  fast->Write(Records(5, 10, {8}));
  EXPECT_EQ(fast->Commit({}), CommitOutcome::kCommitted);
  EXPECT_THAT(Kept({"offset"}), ElementsAre(8));
  const auto next = Open();
  next->Write(Records(10, 12, {11}));
  EXPECT_EQ(next->Commit({}), CommitOutcome::kCommitted);
  EXPECT_THAT(Kept({"offset"}), ElementsAre(8, 11));
}

TEST_F(QuarantineTest, WorkersOfOtherSplitsDoNotHideWhatACrashLeft) {
  QuarantineOnly(Records(0, 5, {2}), {2});
  const auto other = Open();
  other->Write(Records(0, 5, {3}, kOther));
  ASSERT_EQ(other->Commit({}), CommitOutcome::kCommitted);
  const auto sink = Open();
  sink->Write(Records(0, 5, {2}));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_THAT(Kept({"split", "offset"}), ElementsAre(json({"topic:t/0", 2}), json({"topic:t/1", 3})));
  // That one of them quarantines is no reason for the other to start over.
  other->Write(Records(5, 9, {6}, kOther));
  EXPECT_EQ(other->Commit({}), CommitOutcome::kCommitted);
}

}  // namespace
}  // namespace millrace::land
