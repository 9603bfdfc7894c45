#include "stream/kafka/split_ledger.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include "event/stream.h"
#include "stream/kafka/producer.h"

namespace millrace::stream {
namespace {

const TopicPartition kPlace{"t", 0};
const event::SplitId kSplit = event::TopicSplit("id-1", 0);

FetchedRun RunOf(int64_t first, int64_t count, int32_t broker = 1) {
  FetchedRun run;
  run.place = kPlace;
  run.first_offset = first;
  run.last_offset = first + count - 1;
  run.brokers = {broker};
  run.batch = std::make_shared<event::EventBatch>();
  std::string text;
  for (int64_t i = 0; i < count; ++i) {
    const auto record = std::to_string(first + i);
    run.batch->records.push_back({static_cast<uint32_t>(text.size()), static_cast<uint32_t>(record.size())});
    run.batch->timestamps.push_back(Timestamp(std::chrono::milliseconds(1000 + first + i)));
    text += record + "\n";
  }
  run.batch->payload = PaddedBuffer::CopyOf(text);
  run.batch->base_offset = first;
  run.batch->arrived_one_by_one = true;
  run.batch->ingested_at = run.batch->timestamps.front();
  return run;
}

/// A ledger with one partition that is fetched from the start.
SplitLedger Fetched(event::Positions starts = {}, const event::Positions& positions = {}) {
  SplitLedger ledger(std::move(starts));
  ledger.Add({kPlace});
  ledger.Name({"t", "id-1", 1});
  ledger.Seek(positions);
  ledger.Placed(ledger.Due());
  return ledger;
}

TEST(SplitLedger, APartitionIsFetchedOnlyFromWhereTheDriverSays) {
  SplitLedger ledger({});
  ledger.Add({kPlace});
  EXPECT_EQ(ledger.unnamed(), std::set<std::string>{"t"});
  EXPECT_FALSE(ledger.reassigned()) << "there is nothing to seek yet";
  ledger.Name({"t", "id-1", 1});
  EXPECT_TRUE(ledger.reassigned());
  EXPECT_TRUE(ledger.Due().empty());
  ledger.Push(RunOf(0, 3), {});
  EXPECT_FALSE(ledger.has_batch()) << "nobody said where";
  ledger.Seek({{kSplit, event::OffsetCursor(7)}});
  EXPECT_FALSE(ledger.reassigned());
  ASSERT_EQ(ledger.Due().at(kPlace).offset, 7);
  ledger.Placed(ledger.Due());
  EXPECT_TRUE(ledger.Due().empty());
  EXPECT_EQ(ledger.Wanted(kPlace), 7);
}

TEST(SplitLedger, TheStartIsTheOldestUnlessItIsFixed) {
  EXPECT_EQ(Fetched().NextOf(kPlace), std::nullopt);
  auto ledger = Fetched({{kSplit, event::OffsetCursor(40)}});
  EXPECT_EQ(ledger.NextOf(kPlace), 40);
  ledger.Push(RunOf(41, 2), {});
  EXPECT_EQ(ledger.Pop(1000)->begin, event::kStart);
}

TEST(SplitLedger, BatchesFollowEachOtherAcrossWhatHoldsNoRecord) {
  auto ledger = Fetched();
  ledger.Push(RunOf(5, 2), {});
  ledger.PushPosition(kPlace, 9);
  ledger.PushPosition(kPlace, 9);
  ledger.Push(RunOf(12, 1), {});
  const auto first = ledger.Pop(1000), nothing = ledger.Pop(1000), last = ledger.Pop(1000);
  EXPECT_EQ(first->begin, event::kStart);
  EXPECT_EQ(first->end, event::OffsetCursor(7));
  EXPECT_EQ(nothing->size(), 0U);
  EXPECT_EQ(nothing->begin, first->end);
  EXPECT_EQ(last->begin, nothing->end);
  EXPECT_EQ(last->end, event::OffsetCursor(13));
  EXPECT_EQ(ledger.Pop(1000), nullptr);
  EXPECT_EQ(ledger.queued_bytes(), 0);
}

TEST(SplitLedger, ASeekToWhereTheDriverStandsKeepsWhatWaits) {
  auto ledger = Fetched();
  ledger.Push(RunOf(0, 2), {});
  ledger.Push(RunOf(2, 2), {});
  const auto first = ledger.Pop(1000);
  ledger.Seek({{kSplit, first->end}});
  EXPECT_TRUE(ledger.Due().empty());
  EXPECT_TRUE(ledger.has_batch());
  ledger.Seek({});
  EXPECT_FALSE(ledger.has_batch()) << "what waits is behind what is wanted now";
  EXPECT_EQ(ledger.Due().at(kPlace).offset, RD_KAFKA_OFFSET_BEGINNING);
}

TEST(SplitLedger, ASeekWhileAPartitionIsBeingPlacedIsNotForgotten) {
  auto ledger = Fetched();
  ledger.Seek({{kSplit, event::OffsetCursor(5)}});
  const auto placing = ledger.Due();
  ledger.Seek({{kSplit, event::OffsetCursor(8)}});
  ledger.Placed(placing);
  EXPECT_EQ(ledger.Due().at(kPlace).offset, 8);
}

TEST(SplitLedger, WhatLeavesWaitsForTheDriverUnlessItHasLanded) {
  auto ledger = Fetched();
  ledger.Push(RunOf(0, 2), {});
  ledger.Push(RunOf(2, 2), {});
  const auto first = ledger.Pop(1000);
  ledger.Leave({kPlace});
  EXPECT_FALSE(ledger.has_batch());
  EXPECT_TRUE(ledger.reassigned());
  EXPECT_FALSE(ledger.LeaversSettled());
  ledger.Acknowledge({{kSplit, first->end}});
  EXPECT_TRUE(ledger.LeaversSettled());
  ledger.Seek({{kSplit, first->end}});
  ledger.Forget(ledger.leavers());
  EXPECT_TRUE(ledger.empty());
  EXPECT_FALSE(ledger.reassigned());

  auto idle = Fetched();
  idle.Leave({kPlace});
  EXPECT_TRUE(idle.LeaversSettled());
  EXPECT_FALSE(idle.reassigned()) << "the driver has nothing of it";
}

TEST(SplitLedger, ALostPartitionOfWhichTheDriverHoldsRecordsMakesItLook) {
  auto ledger = Fetched();
  ledger.Push(RunOf(0, 2), {});
  ledger.Pop(1000);
  ledger.Forget({kPlace});
  EXPECT_TRUE(ledger.reassigned());
}

TEST(SplitLedger, AnotherTopicOfTheNameIsAnotherSplit) {
  auto ledger = Fetched();
  ledger.Push(RunOf(0, 2, 3), {});
  EXPECT_EQ(ledger.Name({"t", "id-2", 1}), std::vector<TopicPartition>{kPlace});
  EXPECT_TRUE(ledger.reassigned());
  EXPECT_FALSE(ledger.has_batch());
  ASSERT_EQ(ledger.unconfirmed().size(), 1U) << "what was read of the old one is still to be asked about";
  EXPECT_EQ(ledger.unconfirmed()[0].id, "id-1");
  EXPECT_EQ(ledger.unconfirmed()[0].brokers, std::set<int32_t>{3});
  ledger.Seek({{kSplit, event::OffsetCursor(2)}});
  EXPECT_EQ(ledger.Due().at(kPlace).offset, RD_KAFKA_OFFSET_BEGINNING);
}

TEST(SplitLedger, WhatCannotBeConfirmedIsFetchedAgain) {
  auto ledger = Fetched();
  ledger.Push(RunOf(0, 2), {});
  ledger.Push(RunOf(2, 2), {});
  const auto first = ledger.Pop(1000);
  ledger.FetchAllAgain();
  EXPECT_FALSE(ledger.has_batch());
  EXPECT_EQ(ledger.Due().at(kPlace).offset, 2) << "until the driver says otherwise";
  ledger.Placed(ledger.Due());
  ledger.Push(RunOf(2, 2), {});
  EXPECT_EQ(ledger.Pop(1000)->begin, first->end);
}

TEST(SplitLedger, AGapMovesOnAndTells) {
  auto ledger = Fetched({}, {{kSplit, event::OffsetCursor(4)}});
  EXPECT_EQ(ledger.StuckAt(kPlace), 4);
  ledger.PushGap(kPlace, {4, 10, "gone"}, 10, Timestamp{});
  const auto gap = ledger.Pop(1000);
  EXPECT_EQ(gap->begin, event::OffsetCursor(4));
  EXPECT_EQ(gap->end, event::OffsetCursor(10));
  EXPECT_EQ(gap->gap->end_offset, 10);
  EXPECT_EQ(ledger.Due().at(kPlace).offset, 10);
}

TEST(SplitLedger, LagCountsWhatTheDriverHasNot) {
  auto ledger = Fetched();
  ledger.Push(RunOf(10, 5), {});
  ledger.SetEnd(kPlace, 20);
  EXPECT_EQ(ledger.lag().records, 10);
  EXPECT_EQ(ledger.lag().oldest, Timestamp(std::chrono::milliseconds(1010)));
  ledger.Pop(1000);
  EXPECT_EQ(ledger.lag().records, 5);
  ledger.Push(RunOf(15, 5), {});
  ledger.Pop(1000);
  EXPECT_EQ(ledger.lag().records, 0);
  EXPECT_EQ(ledger.lag().oldest, std::nullopt);
}

TEST(SplitLedger, LagIsToldByPartitionOfAllTopicsTogether) {
  SplitLedger ledger({});
  const std::vector<TopicPartition> places = {{"a", 0}, {"a", 1}, {"b", 0}};
  ledger.Add(places);
  ledger.Name({"a", "id-a", 2});
  ledger.Name({"b", "id-b", 1});
  ledger.Seek({});
  ledger.Placed(ledger.Due());
  for (const auto& place : places) {
    auto run = RunOf(0, 3);
    run.place = place;
    ledger.Push(std::move(run), {});
    ledger.SetEnd(place, place.topic == "b" ? 13 : 5);
  }
  ledger.Pop(1000);
  const auto lag = ledger.lag();
  EXPECT_EQ(lag.records, 2 + 5 + 13);
  ASSERT_EQ(lag.partitions.size(), 2U);
  EXPECT_EQ(lag.partitions[0].partition, 0);
  EXPECT_EQ(lag.partitions[0].records, 15);
  EXPECT_EQ(lag.partitions[0].oldest, Timestamp(std::chrono::milliseconds(1000)));
  EXPECT_EQ(lag.partitions[1].partition, 1);
  EXPECT_EQ(lag.partitions[1].records, 5);
}

TEST(SplitLedger, AcknowledgedOffsetsAreToldOnceWithTheTopicsId) {
  auto ledger = Fetched();
  ledger.Acknowledge({{kSplit, event::OffsetCursor(3)}});
  const auto told = ledger.TakeAcknowledged();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].offset, 3);
  EXPECT_EQ(told[0].metadata, "id-1");
  EXPECT_TRUE(ledger.TakeAcknowledged().empty());
}

/// Kafka's own values (UtilsTest.testMurmur2), made positive as its partitioner does.
TEST(PartitionOfKey, IsKafkasDefault) {
  const std::pair<const char*, int32_t> hashes[] = {{"21", -973932308},
                                                    {"foobar", -790332482},
                                                    {"a-little-bit-long-string", -985981536},
                                                    {"a-little-bit-longer-string", -1486304829},
                                                    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
                                                    {"abc", 479470107}};
  for (const auto& [key, hash] : hashes) {
    for (const int32_t partitions : {1, 3, 12, 1000}) {
      EXPECT_EQ(PartitionOfKey(key, partitions), (hash & 0x7fffffff) % partitions) << key;
    }
  }
}

}  // namespace
}  // namespace millrace::stream
