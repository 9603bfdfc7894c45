#include "app/feed_account.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/feed_events.h"
#include "app/pipeline_gauges.h"
#include "base/hand_clock.h"

namespace millrace::app {
namespace {

using event::RejectCause;
using std::chrono::milliseconds;
using std::chrono::seconds;

event::EventBatch Batch(size_t records, Timestamp at) {
  event::EventBatch batch;
  for (size_t i = 0; i < records; ++i) batch.records.push_back({static_cast<uint32_t>(i * 10), 9});
  batch.ingested_at = at;
  return batch;
}

class FeedAccountTest : public testing::Test {
 protected:
  double Counted(const Metric& metric) const { return Metrics::Process().Value(metric, {"a.t"}); }

  HandClock clock_;
  FeedAccount account_{"a.t", "topic", clock_};
};

event::Lag LagOf(std::initializer_list<int64_t> unread) {
  event::Lag lag;
  for (const int64_t records : unread) {
    lag.partitions.push_back({static_cast<int32_t>(lag.partitions.size()), records, std::nullopt});
    lag.records += records;
  }
  return lag;
}

TEST_F(FeedAccountTest, APartitionStandsStillWhenNothingOfItArrives) {
  account_.Publish({}, LagOf({0, 7}));
  clock_.Pass(seconds(60));
  account_.Publish({}, LagOf({0, 7}));
  const auto still = StandingStill(account_.status().standing, seconds(1), clock_.Steady());
  ASSERT_EQ(still.size(), 1U);
  EXPECT_EQ(still[0].partition, 1);
  EXPECT_THAT(ExplainStandstill(still, clock_.Steady()),
              testing::StartsWith("partition 1 stands still for 60 s: 7 records are there and none comes"));
  EXPECT_TRUE(StandingStill(account_.status().standing, seconds(10), clock_.Steady()).empty());
}

TEST_F(FeedAccountTest, APartitionStandsStillWhenNothingOfItIsCommitted) {
  account_.Read(Batch(10, clock_.Now()));
  event::SinkCounts counts;
  counts.records = 10;
  account_.Publish(counts, LagOf({0, 0}));
  clock_.Pass(seconds(30));
  const auto still = StandingStill(account_.status().standing, seconds(1), clock_.Steady());
  ASSERT_EQ(still.size(), 1U);
  EXPECT_THAT(ExplainStandstill(still, clock_.Steady()), testing::HasSubstr("is not committed"));
  account_.Committed(counts, 0.5);
  EXPECT_TRUE(account_.status().standing.empty());
}

TEST_F(FeedAccountTest, APartitionThatMovesOrIsNotHereAnyMoreStandsNotStill) {
  account_.Publish({}, LagOf({5, 5}));
  for (int i = 0; i < 5; ++i) {
    clock_.Pass(seconds(6));
    account_.Read(Batch(1, clock_.Now()));
    account_.Committed({}, 0.1);
    account_.Publish({}, LagOf({5}));
  }
  EXPECT_TRUE(StandingStill(account_.status().standing, seconds(1), clock_.Steady()).empty());
  EXPECT_EQ(account_.status().standing.size(), 1U);
}

TEST_F(FeedAccountTest, OnlyWhatACommitCoversIsCountedAsLanded) {
  const double rows = Counted(kTableRows);
  const double duplicates = Counted(kTableDuplicates);
  account_.Read(Batch(10, clock_.Now()));
  event::SinkCounts counts{.records = 10, .rows = 7, .duplicates = 2, .rejected = {{RejectCause::kMalformed, 1}}};
  account_.Publish(counts, {});
  EXPECT_EQ(Counted(kTableRows), rows);
  EXPECT_EQ(account_.status().pending, 10U);
  account_.Committed(counts, 0.5);
  EXPECT_EQ(Counted(kTableRows), rows + 7);
  EXPECT_EQ(Counted(kTableDuplicates), duplicates + 2);
  EXPECT_EQ(account_.status().pending, 0U);
  account_.Read(Batch(5, clock_.Now()));
  counts.records = 15;
  counts.rows = 12;
  account_.Committed(counts, 0.5);
  EXPECT_EQ(Counted(kTableRows), rows + 12);
  EXPECT_EQ(account_.status().last_commit->landed.rows, 5U);
  EXPECT_TRUE(account_.status().last_commit->landed.rejected.empty()) << "those were of the commit before";
}

TEST_F(FeedAccountTest, WhatAnotherWriterLandedIsNotOurs) {
  const double rows = Counted(kTableRows);
  const double conflicts = Metrics::Process().Value(kTableCommits, {"a.t", "conflict"});
  account_.Read(Batch(10, clock_.Now()));
  account_.Overtaken({}, 0.1);
  EXPECT_EQ(Counted(kTableRows), rows);
  EXPECT_EQ(account_.status().pending, 0U);
  EXPECT_EQ(Metrics::Process().Value(kTableCommits, {"a.t", "conflict"}), conflicts + 1);
}

TEST_F(FeedAccountTest, TheOldestUnlandedEventIsReadOrNot) {
  EXPECT_FALSE(account_.status().oldest_unlanded);
  const auto first = clock_.Now();
  account_.Read(Batch(1, first + seconds(2)));
  account_.Read(Batch(1, first));
  EXPECT_EQ(account_.status().oldest_unlanded, first);
  EXPECT_EQ(account_.status().newest_read, first + seconds(2));
  event::Lag lag;
  lag.oldest = first + seconds(3);
  account_.Publish({}, lag);
  account_.Committed({}, 0.1);
  EXPECT_EQ(account_.status().oldest_unlanded, first + seconds(3));
  EXPECT_EQ(account_.status().newest_visible, first + seconds(2));
}

TEST_F(FeedAccountTest, RatesAreMeasuredOverTheLastSeconds) {
  event::Lag lag;
  for (int second = 0; second < 30; ++second) {
    account_.Read(Batch(1000, clock_.Now()));
    lag.records = 100'000 - second * 200;
    EXPECT_TRUE(account_.PublishDue());
    account_.Publish({}, lag);
    EXPECT_FALSE(account_.PublishDue());
    clock_.Pass(seconds(1));
  }
  EXPECT_NEAR(account_.status().read_per_second, 1000, 1);
  EXPECT_NEAR(account_.status().unread_falls_by.value_or(0), 200, 1);
  lag.records = -1;  // not known
  account_.Publish({}, lag);
  EXPECT_FALSE(account_.status().unread_falls_by);
}

TEST_F(FeedAccountTest, WhileACommitWaitsTheTopicIsComparedWithWhatWasRead) {
  auto batch = Batch(10, clock_.Now());
  batch.partition = 1;
  batch.base_offset = 90;
  account_.Read(batch);
  event::Lag lag{
      .records = 4,
      .bytes = -1,
      .oldest = {},
      .partitions = {{.partition = 0, .records = 4, .oldest = {}}, {.partition = 1, .records = 0, .oldest = {}}}};
  account_.Publish({}, lag);
  event::TopicInfo topic;
  topic.partitions = {{.partition = 0, .first_offset = 0, .next_offset = 4, .bytes = 0},
                      {.partition = 1, .first_offset = 0, .next_offset = 130, .bytes = 0}};
  EXPECT_EQ(LagNow(account_.status(), &topic, clock_.Steady()).records, 4) << "the look is fresh";
  clock_.Pass(seconds(3));
  const auto now = LagNow(account_.status(), &topic, clock_.Steady());
  EXPECT_EQ(now.records, 34);
  EXPECT_EQ(now.partitions[0].records, 4) << "nothing was read of it: as last seen";
  EXPECT_EQ(now.partitions[1].records, 30);
  EXPECT_EQ(LagNow(account_.status(), nullptr, clock_.Steady()).records, 4);
}

TEST(RecordBytesTest, FromTheFirstToTheLastRecord) {
  EXPECT_EQ(RecordBytes({}), 0U);
  EXPECT_EQ(RecordBytes(Batch(3, {})), 29U);
}

}  // namespace
}  // namespace millrace::app
