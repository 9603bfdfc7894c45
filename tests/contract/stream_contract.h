#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "contract/stream_records.h"
#include "event/stream.h"

namespace millrace::contract {

/// A stream of its own for one test, which can be closed and opened again.
class StreamUnderTest {
 public:
  virtual ~StreamUnderTest() = default;
  virtual event::Stream& stream() = 0;
  virtual void Reopen() = 0;
};

struct StreamKind {
  std::string name;
  std::function<std::unique_ptr<StreamUnderTest>()> make;
};

class StreamContract : public testing::TestWithParam<StreamKind> {
 protected:
  void SetUp() override { under_test_ = GetParam().make(); }
  event::Stream& stream() { return under_test_->stream(); }
  void Reopen() { under_test_->Reopen(); }
  void Append(const std::string& topic, const Records& records, const Records& keys = {}) {
    EXPECT_EQ(stream().Append({topic, MakeBatch(records, keys), {}, {}}), event::AppendOutcome::kAppended);
  }
  template <typename Body>
  ErrorCode CodeOf(Body&& body) {
    try {
      body();
    } catch (const Error& error) {
      message_ = error.what();
      return error.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::kInternal;
  }

  std::unique_ptr<StreamUnderTest> under_test_;
  std::string message_;
};

TEST_P(StreamContract, GivesBackWhatWasAppendedInOrder) {
  stream().EnsureTopic({.name = "t"});
  Append("t", Numbered(0, 3));
  Append("t", Numbered(3, 2));
  auto reader = stream().OpenReader("t", "");
  const auto drained = Drain(*reader, 5);
  EXPECT_EQ(drained.by_partition.at(0), Numbered(0, 5));
  EXPECT_EQ(drained.batches.front()->begin, event::kStart);
  EXPECT_EQ(drained.positions.begin()->second, event::OffsetCursor(5));
  EXPECT_EQ(reader->Read({.wait = std::chrono::milliseconds(1)}, {}).state, event::ReadState::kIdle);
}

TEST_P(StreamContract, JoinsRecordsByNewlinesWithoutThemInside) {
  stream().EnsureTopic({.name = "t"});
  Append("t", {"{\"a\":1}", "", "{\"b\":2}"});
  Append("t", {"{\n\"c\":3}", "{\"d\":4}"});
  auto reader = stream().OpenReader("t", "");
  const auto drained = Drain(*reader, 5);
  EXPECT_EQ(drained.by_partition.at(0), (Records{"{\"a\":1}", "", "{\"b\":2}", "{\n\"c\":3}", "{\"d\":4}"}));
  for (const auto& batch : drained.batches) {
    if (!batch->newline_joined) continue;
    std::string joined;
    for (size_t i = 0; i < batch->size(); ++i) joined += std::string(batch->record(i)) + "\n";
    EXPECT_EQ(batch->payload->view(), joined);
  }
}

TEST_P(StreamContract, KeepsKeysTimesAndAnyBytes) {
  stream().EnsureTopic({.name = "t"});
  const std::string bytes("\0\xFF\x80 x", 5);
  auto batch = MakeBatch({bytes, "plain", "keyless"}, {"k\0y", "\xFE", ""});
  batch->timestamps = {Timestamp(std::chrono::milliseconds(-5)),
                       Timestamp(std::chrono::milliseconds(1'700'000'000'123)), batch->ingested_at};
  stream().Append({"t", batch, {}, {}});
  auto reader = stream().OpenReader("t", "");
  const auto drained = Drain(*reader, 3);
  ASSERT_EQ(drained.count, 3U);
  size_t seen = 0;
  for (const auto& read : drained.batches) {
    EXPECT_EQ(read->ingested_at, batch->ingested_at);
    EXPECT_EQ(read->topic, "t");
    for (size_t i = 0; i < read->size(); ++i, ++seen) {
      EXPECT_EQ(read->record(i), batch->record(seen));
      EXPECT_EQ(read->key(i), batch->key(seen));
      EXPECT_EQ(read->timestamp(i), batch->timestamp(seen));
      EXPECT_EQ(read->offset(i), static_cast<int64_t>(seen));
    }
  }
}

TEST_P(StreamContract, OneKeyStaysInOnePartitionInOrder) {
  stream().EnsureTopic({.name = "t", .partitions = 4});
  for (int round = 0; round < 5; ++round) {
    Records records, keys;
    for (int key = 0; key < 40; ++key) {
      records.push_back(std::to_string(key) + ":" + std::to_string(round));
      keys.push_back("key" + std::to_string(key));
    }
    Append("t", records, keys);
  }
  auto reader = stream().OpenReader("t", "");
  const auto drained = Drain(*reader, 200);
  std::map<std::string, std::pair<int32_t, int>> last;
  for (const auto& [partition, records] : drained.by_partition) {
    for (const auto& record : records) {
      const auto key = record.substr(0, record.find(':'));
      const int round = std::stoi(record.substr(record.find(':') + 1));
      const auto [it, first] = last.emplace(key, std::pair(partition, round));
      if (first) {
        EXPECT_EQ(round, 0);
      } else {
        EXPECT_EQ(it->second, std::pair(partition, round - 1));
        it->second.second = round;
      }
    }
  }
  EXPECT_EQ(last.size(), 40U);
  EXPECT_GT(drained.by_partition.size(), 1U);
}

TEST_P(StreamContract, KeylessBatchesGoRoundWhole) {
  stream().EnsureTopic({.name = "t", .partitions = 3});
  for (int i = 0; i < 6; ++i) Append("t", Numbered(i * 10, 10));
  auto reader = stream().OpenReader("t", "");
  const auto drained = Drain(*reader, 60);
  ASSERT_EQ(drained.by_partition.size(), 3U);
  for (const auto& [partition, records] : drained.by_partition) EXPECT_EQ(records.size(), 20U);
}

TEST_P(StreamContract, ReadsFromAPosition) {
  stream().EnsureTopic({.name = "t"});
  Append("t", Numbered(0, 100));
  const auto split = event::TopicSplit(stream().FindTopic("t")->id, 0);
  auto reader = stream().OpenReader("t", "");
  reader->Seek({{split, event::OffsetCursor(37)}});
  const auto drained = Drain(*reader, 63);
  EXPECT_EQ(drained.by_partition.at(0), Numbered(37, 63));
  EXPECT_EQ(drained.batches.front()->begin, event::OffsetCursor(37));
  EXPECT_EQ(drained.batches.front()->base_offset, 37);
}

TEST_P(StreamContract, KeepsToTheByteLimitAndStillReadsOneLargeRecord) {
  stream().EnsureTopic({.name = "t"});
  Records records = Numbered(0, 200);
  records.push_back(std::string(5'000, 'x'));
  Append("t", records);
  Append("t", {"after"});
  records.push_back("after");
  auto reader = stream().OpenReader("t", "");
  const auto drained = Drain(*reader, records.size(), 100);
  EXPECT_EQ(drained.by_partition.at(0), records);
  for (const auto& batch : drained.batches) {
    EXPECT_TRUE(batch->payload->size() <= 100 || batch->size() == 1) << batch->payload->size();
  }
}

TEST_P(StreamContract, SurvivesReopening) {
  const auto made = stream().EnsureTopic({.name = "t", .partitions = 2});
  Append("t", Numbered(0, 10));
  Append("t", Numbered(10, 10));
  Reopen();
  EXPECT_EQ(stream().EnsureTopic({.name = "t", .partitions = 2}).id, made.id);
  auto reader = stream().OpenReader("t", "");
  EXPECT_EQ(Drain(*reader, 20).count, 20U);
}

TEST_P(StreamContract, ProducerPositionFencesAndMoves) {
  stream().EnsureTopic({.name = "t"});
  const event::SplitId split("file:1");
  const auto from_to = [&](const char* begin, const char* end) {
    return event::ProducerPosition{"p", split, event::Cursor(begin), event::Cursor(end)};
  };
  using event::AppendOutcome;
  EXPECT_EQ(stream().Append({"t", MakeBatch(Numbered(0, 2)), from_to("", "20"), {}}), AppendOutcome::kAppended);
  EXPECT_EQ(stream().Append({"t", MakeBatch(Numbered(0, 2)), from_to("", "20"), {}}), AppendOutcome::kFenced);
  EXPECT_EQ(stream().Append({"t", MakeBatch(Numbered(2, 2)), from_to("20", "40"), {}}), AppendOutcome::kAppended);
  EXPECT_EQ(stream().Append({"t", MakeBatch({}), from_to("40", "50"), {}}), AppendOutcome::kAppended);
  Reopen();
  EXPECT_EQ(stream().ProducerPositions("p"), (event::Positions{{split, event::Cursor("50")}}));
  EXPECT_TRUE(stream().ProducerPositions("q").empty());
  auto reader = stream().OpenReader("t", "");
  EXPECT_EQ(Drain(*reader, 4).by_partition.at(0), Numbered(0, 4));
  EXPECT_EQ(stream().FindTopic("t")->partitions[0].next_offset, 4);
}

TEST_P(StreamContract, IdempotencyKeyAppendsOnce) {
  stream().EnsureTopic({.name = "t"});
  stream().EnsureTopic({.name = "other"});
  using event::AppendOutcome;
  EXPECT_EQ(stream().Append({"t", MakeBatch({"a"}), {}, "key"}), AppendOutcome::kAppended);
  EXPECT_EQ(stream().Append({"t", MakeBatch({"a"}), {}, "key"}), AppendOutcome::kDuplicate);
  Reopen();
  EXPECT_EQ(stream().Append({"t", MakeBatch({"a"}), {}, "key"}), AppendOutcome::kDuplicate);
  EXPECT_EQ(stream().Append({"other", MakeBatch({"a"}), {}, "key"}), AppendOutcome::kAppended);
  EXPECT_EQ(stream().FindTopic("t")->partitions[0].next_offset, 1);
}

TEST_P(StreamContract, ARecreatedTopicIsAnotherIncarnation) {
  const auto first = stream().EnsureTopic({.name = "t"});
  Append("t", Numbered(0, 5));
  auto reader = stream().OpenReader("t", "r");
  const auto drained = Drain(*reader, 5);
  stream().DeleteTopic("t");
  EXPECT_FALSE(stream().FindTopic("t").has_value());
  EXPECT_TRUE(stream().ListReaders().empty());
  const auto second = stream().EnsureTopic({.name = "t"});
  EXPECT_NE(first.id, second.id);
  EXPECT_EQ(CodeOf([&] { reader->Read({}, {}); }), ErrorCode::kStop);
  Append("t", Numbered(100, 3));
  auto next = stream().OpenReader("t", "r");
  next->Seek(drained.positions);
  EXPECT_EQ(Drain(*next, 3).by_partition.at(0), Numbered(100, 3));
}

TEST_P(StreamContract, RefusesWhatIsWrong) {
  EXPECT_EQ(CodeOf([&] { stream().Append({"none", MakeBatch({"a"}), {}, {}}); }), ErrorCode::kConfig);
  EXPECT_EQ(CodeOf([&] { stream().OpenReader("none", ""); }), ErrorCode::kConfig);
  EXPECT_EQ(CodeOf([&] { stream().DeleteTopic("none"); }), ErrorCode::kConfig);
  EXPECT_EQ(CodeOf([&] { stream().EnsureTopic({.name = "a/b"}); }), ErrorCode::kConfig);
  EXPECT_EQ(CodeOf([&] { stream().EnsureTopic({.name = "t", .partitions = 0}); }), ErrorCode::kConfig);
  stream().EnsureTopic({.name = "t", .partitions = 2});
  EXPECT_EQ(CodeOf([&] { stream().EnsureTopic({.name = "t", .partitions = 3}); }), ErrorCode::kConfig);
}

TEST_P(StreamContract, StopsWhenThePositionIsBehindTheEnd) {
  const auto topic = stream().EnsureTopic({.name = "t"});
  Append("t", Numbered(0, 5));
  auto reader = stream().OpenReader("t", "");
  reader->Seek({{event::TopicSplit(topic.id, 0), event::OffsetCursor(6)}});
  EXPECT_EQ(CodeOf([&] { reader->Read({}, {}); }), ErrorCode::kStop);
}

TEST_P(StreamContract, AcknowledgedReadersAreListedWithTheirLag) {
  const auto topic = stream().EnsureTopic({.name = "t"});
  Append("t", Numbered(0, 10));
  auto reader = stream().OpenReader("t", "r");
  EXPECT_EQ(reader->lag().records, 10);
  EXPECT_EQ(Drain(*reader, 10).count, 10U);
  EXPECT_EQ(reader->lag().records, 0);
  reader->Acknowledge({{event::TopicSplit(topic.id, 0), event::OffsetCursor(7)}});
  const auto readers = stream().ListReaders();
  ASSERT_EQ(readers.size(), 1U);
  EXPECT_EQ(readers[0].reader, "r");
  EXPECT_EQ(readers[0].topic, "t");
  EXPECT_EQ(readers[0].next_offset, 7);
  EXPECT_EQ(readers[0].lag_records, 3);
}

TEST_P(StreamContract, AWaitingReaderSeesAnAppend) {
  stream().EnsureTopic({.name = "t"});
  auto reader = stream().OpenReader("t", "");
  std::jthread writer([&] { Append("t", {"a"}); });
  const auto result = reader->Read({.wait = std::chrono::seconds(30)}, {});
  EXPECT_EQ(result.state, event::ReadState::kBatch);
}

TEST_P(StreamContract, ManyThreadsLoseAndDoubleNothing) {
  stream().EnsureTopic({.name = "t", .partitions = 4});
  constexpr int kThreads = 64, kEach = 20;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([this, thread] {
        for (int i = 0; i < kEach; ++i)
          Append("t", {std::to_string(thread) + ":" + std::to_string(i)}, {"k" + std::to_string(thread)});
      });
    }
  }
  auto reader = stream().OpenReader("t", "");
  const auto drained = Drain(*reader, kThreads * kEach);
  std::map<std::string, int> next;
  for (const auto& [partition, records] : drained.by_partition) {
    for (const auto& record : records) {
      EXPECT_EQ(std::to_string(next[record.substr(0, record.find(':'))]++), record.substr(record.find(':') + 1));
    }
  }
  ASSERT_EQ(next.size(), static_cast<size_t>(kThreads));
  for (const auto& [thread, count] : next) EXPECT_EQ(count, kEach);
}

}  // namespace millrace::contract
