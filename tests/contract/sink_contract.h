#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "contract/event_batches.h"
#include "event/sink.h"
#include "event/stream.h"

/// What every Sink does. In the test file of an implementation: derive from SinkFixture, then
/// INSTANTIATE_TYPED_TEST_SUITE_P(Name, SinkContract, MyFixture).
namespace millrace::event {

/// Records are JSON objects {"id": n, "name": "..."}; what is no JSON is rejected.
class SinkFixture {
 public:
  virtual ~SinkFixture() = default;
  /// A new sink onto the same target, not recovered yet. Several may be open.
  virtual std::unique_ptr<Sink> Open() = 0;
  /// The ids that any reader of the target sees now, in rising order; and the texts of its quarantine.
  virtual std::vector<int64_t> Landed() = 0;
  virtual std::vector<std::string> Quarantined() = 0;
  /// Why it cannot run here; empty: it can.
  static std::string Lacks() { return ""; }
};

inline std::string RecordOf(int64_t id) {
  return R"({"id": )" + std::to_string(id) + R"(, "name": "n)" + std::to_string(id) + "\"}";
}

/// Records with the ids [first, end).
inline EventBatchPtr Ids(int64_t first, int64_t end, const std::string& split = "topic:t/0") {
  std::vector<std::string> lines;
  for (int64_t id = first; id < end; ++id) lines.push_back(RecordOf(id));
  return BatchOf(lines, first, split);
}

inline std::vector<int64_t> Range(int64_t first, int64_t end) {
  std::vector<int64_t> ids;
  for (int64_t id = first; id < end; ++id) ids.push_back(id);
  return ids;
}

template <typename Fixture>
class SinkContract : public testing::Test {
 protected:
  void SetUp() override {
    if (!Fixture::Lacks().empty()) GTEST_SKIP() << Fixture::Lacks();
  }

  const SplitId split_{"topic:t/0"};
  Fixture fixture_;
};
TYPED_TEST_SUITE_P(SinkContract);

TYPED_TEST_P(SinkContract, StartsAtTheBeginning) {
  const auto sink = this->fixture_.Open();
  EXPECT_TRUE(sink->Recover().empty());
  EXPECT_EQ(sink->Commit({}), CommitOutcome::kNothing);
  EXPECT_FALSE(sink->CommitDue());
  EXPECT_EQ(sink->WaitsFor().kind, WaitKind::kNothing);
}

TYPED_TEST_P(SinkContract, RowsAreVisibleWithTheirPositionsAfterTheCommitAndNotBefore) {
  const auto sink = this->fixture_.Open();
  sink->Recover();
  sink->Write(Ids(0, 10));
  sink->Write(Ids(10, 25));
  EXPECT_EQ(sink->WaitsFor().kind, WaitKind::kBuffering);
  EXPECT_NE(sink->WaitsFor().detail, "");
  EXPECT_THAT(this->fixture_.Landed(), testing::IsEmpty());
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(this->fixture_.Landed(), Range(0, 25));
  EXPECT_EQ(sink->positions().at(this->split_), OffsetCursor(25));
  EXPECT_EQ(sink->counts().records, 25U);
  EXPECT_EQ(sink->counts().rows, 25U);
  EXPECT_EQ(sink->counts().commits, 1U);
}

TYPED_TEST_P(SinkContract, GoesOnWhereTheLastCommitEnded) {
  {
    const auto sink = this->fixture_.Open();
    sink->Recover();
    sink->Write(Ids(0, 10));
    sink->Commit({});
    sink->Write(Ids(10, 20));  // written, never committed
  }
  const auto sink = this->fixture_.Open();
  EXPECT_EQ(sink->Recover().at(this->split_), OffsetCursor(10));
  sink->Write(Ids(10, 20));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(this->fixture_.Landed(), Range(0, 20));
}

TYPED_TEST_P(SinkContract, SplitsMoveByThemselves) {
  const auto sink = this->fixture_.Open();
  sink->Recover();
  sink->Write(Ids(0, 5, "topic:t/0"));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  auto other = BatchOf({RecordOf(50), RecordOf(51)}, 0, "topic:t/1");
  sink->Write(other);
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(sink->positions().at(SplitId("topic:t/0")), OffsetCursor(5));
  EXPECT_EQ(sink->positions().at(SplitId("topic:t/1")), OffsetCursor(2));
  const auto again = this->fixture_.Open();
  EXPECT_EQ(again->Recover(), sink->positions());
}

TYPED_TEST_P(SinkContract, ARestBetweenWritesChangesNothingThatIsSeen) {
  const auto sink = this->fixture_.Open();
  sink->Recover();
  sink->Rest({});
  sink->Write(Ids(0, 10));
  sink->Rest({});
  EXPECT_THAT(this->fixture_.Landed(), testing::IsEmpty());
  sink->Write(Ids(10, 25));
  sink->Rest({});
  sink->Rest({});
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(this->fixture_.Landed(), Range(0, 25));
  EXPECT_EQ(sink->positions().at(this->split_), OffsetCursor(25));
}

TYPED_TEST_P(SinkContract, AGapIsRefused) {
  const auto sink = this->fixture_.Open();
  sink->Recover();
  sink->Write(Ids(0, 10));
  EXPECT_THROW(sink->Write(Ids(11, 20)), Error);
}

TYPED_TEST_P(SinkContract, TheSlowerOfTwoWritersLosesItsChunk) {
  const auto slow = this->fixture_.Open();
  slow->Recover();
  slow->Write(Ids(0, 10));
  const auto fast = this->fixture_.Open();
  fast->Recover();
  fast->Write(Ids(0, 7));
  ASSERT_EQ(fast->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(slow->Commit({}), CommitOutcome::kConflict);
  const auto positions = slow->Recover();
  EXPECT_EQ(positions.at(this->split_), OffsetCursor(7));
  slow->Write(Ids(7, 10));
  ASSERT_EQ(slow->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(this->fixture_.Landed(), Range(0, 10));
}

TYPED_TEST_P(SinkContract, WhatIsNoRecordIsQuarantinedOnceAndNeighboursLand) {
  const auto lines = {RecordOf(0), std::string("{nonsense"), RecordOf(2), std::string("  "), RecordOf(4)};
  const auto sink = this->fixture_.Open();
  sink->Recover();
  sink->Write(BatchOf(lines, 0));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(this->fixture_.Landed(), (std::vector<int64_t>{0, 2, 4}));
  EXPECT_EQ(this->fixture_.Quarantined(), std::vector<std::string>{"{nonsense"});
  const SinkCounts counts = sink->counts();
  EXPECT_EQ(counts.records, 5U);
  EXPECT_EQ(counts.rows, 3U);
  EXPECT_EQ(counts.blank, 1U);
  EXPECT_EQ(counts.rejected.at(RejectCause::kMalformed), 1U);
}

TYPED_TEST_P(SinkContract, ABatchWithoutRecordsMovesThePositionWithTheNextRows) {
  const auto sink = this->fixture_.Open();
  sink->Recover();
  auto nothing = std::make_shared<EventBatch>(*BatchOf({}, 0));
  nothing->end = OffsetCursor(3);
  sink->Write(nothing);
  EXPECT_FALSE(sink->CommitDue());
  EXPECT_EQ(sink->Commit({}), CommitOutcome::kNothing);
  sink->Write(Ids(3, 5));
  nothing = std::make_shared<EventBatch>(*BatchOf({}, 5));
  nothing->end = OffsetCursor(9);
  sink->Write(nothing);
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(this->fixture_.Landed(), Range(3, 5));
  EXPECT_EQ(this->fixture_.Open()->Recover().at(this->split_), OffsetCursor(9));
}

/// A worker has one split, another one the other; then the first takes over the second.
TYPED_TEST_P(SinkContract, WorkersShareATarget) {
  const auto one = this->fixture_.Open(), two = this->fixture_.Open();
  one->Recover();
  two->Recover();
  for (int64_t id = 0; id < 30; id += 10) {
    one->Write(Ids(id, id + 10, "topic:t/0"));
    two->Write(BatchOf({RecordOf(100 + id), RecordOf(101 + id)}, id / 5, "topic:t/1"));
    ASSERT_EQ(one->Commit({}), CommitOutcome::kCommitted);
    ASSERT_EQ(two->Commit({}), CommitOutcome::kCommitted);
  }
  const auto positions = one->Recover();
  EXPECT_EQ(positions.at(SplitId("topic:t/0")), OffsetCursor(30));
  EXPECT_EQ(positions.at(SplitId("topic:t/1")), OffsetCursor(6));
  two->Write(BatchOf({RecordOf(200)}, 6, "topic:t/1"));  // it does not know yet
  one->Write(BatchOf({RecordOf(200)}, 6, "topic:t/1"));
  one->Write(Ids(30, 31, "topic:t/0"));
  ASSERT_EQ(one->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(two->Commit({}), CommitOutcome::kConflict);
  auto expected = Range(0, 31);
  for (const int64_t id : {100, 101, 110, 111, 120, 121, 200}) expected.push_back(id);
  EXPECT_EQ(this->fixture_.Landed(), expected);
}

/// The rejects of a chunk are committed before its rows: whoever loses the race for the rows must not leave them twice.
TYPED_TEST_P(SinkContract, AZombieLeavesNothingInQuarantineThatAnotherLeavesToo) {
  const std::vector<std::string> lines = {RecordOf(0), "{bad 1", RecordOf(2), "{bad 3"};
  const auto zombie = this->fixture_.Open();
  zombie->Recover();
  zombie->Write(BatchOf(lines, 0));
  const auto other = this->fixture_.Open();
  other->Recover();
  other->Write(BatchOf({lines[0], lines[1]}, 0));
  ASSERT_EQ(other->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(zombie->Commit({}), CommitOutcome::kConflict);
  EXPECT_EQ(zombie->Recover().at(this->split_), OffsetCursor(2));
  zombie->Write(BatchOf({lines[2], lines[3]}, 2));
  ASSERT_EQ(zombie->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(this->fixture_.Landed(), (std::vector<int64_t>{0, 2}));
  EXPECT_THAT(this->fixture_.Quarantined(), testing::UnorderedElementsAre("{bad 1", "{bad 3"));
}

REGISTER_TYPED_TEST_SUITE_P(SinkContract, StartsAtTheBeginning,
                            RowsAreVisibleWithTheirPositionsAfterTheCommitAndNotBefore, GoesOnWhereTheLastCommitEnded,
                            SplitsMoveByThemselves, ARestBetweenWritesChangesNothingThatIsSeen, AGapIsRefused,
                            TheSlowerOfTwoWritersLosesItsChunk, WhatIsNoRecordIsQuarantinedOnceAndNeighboursLand,
                            ABatchWithoutRecordsMovesThePositionWithTheNextRows, WorkersShareATarget,
                            AZombieLeavesNothingInQuarantineThatAnotherLeavesToo);

}  // namespace millrace::event
