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
  /// Retention drops everything that is in the topic now.
  virtual void DropAll(const std::string& topic) = 0;
};

struct StreamKind {
  std::string name;
  std::function<std::unique_ptr<StreamUnderTest>()> make;
  /// Keeps when a batch came in beside the time of each record.
  bool keeps_arrivals = true;
  /// A reader goes on with a topic that is made again under its name.
  bool follows_topics = false;
  bool keeps_headers = false;
  /// Cursors are offsets, which say where a record is. Kinesis numbers no records: offsets count what a reader was
  /// given, and where it stands is a sequence number. Tests that name a place by its offset have no meaning there.
  bool finds_offsets = true;
  /// Keys are any bytes, and records keep the times they came with. Kinesis's keys are text, its times its own.
  bool keeps_keys_and_times = true;
  /// Kinesis knows none.
  bool knows_idempotency_keys = true;
  /// Topics of one name that are made closer together have one id: Kinesis says to the second when a stream was made,
  /// and takes longer to delete one.
  std::chrono::milliseconds between_incarnations{0};
  /// Why it cannot be tested here.
  std::string lacks = {};
};

class StreamContract : public testing::TestWithParam<StreamKind> {
 protected:
  void SetUp() override {
    if (!GetParam().lacks.empty()) GTEST_SKIP() << GetParam().lacks;
    under_test_ = GetParam().make();
  }
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

  /// Waits for what a stream with servers behind it knows a little later.
  template <typename Body>
  bool Eventually(Body&& body) {
    for (int tries = 0; tries < 100; ++tries) {
      if (body()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }
  static event::ReadResult ReadSomething(event::Source& source) {
    for (int tries = 0; tries < 100; ++tries) {
      auto result = source.Read({.wait = std::chrono::milliseconds(200)}, {});
      if (result.state != event::ReadState::kWaiting) return result;
    }
    return {};
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
  EXPECT_EQ(event::OffsetOf(drained.positions.begin()->second), 5);
  EXPECT_EQ(ReadSomething(*reader).state, event::ReadState::kIdle);
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
  if (!GetParam().keeps_keys_and_times) GTEST_SKIP() << "its keys are text, and its times its own";
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
    if (GetParam().keeps_arrivals) {
      EXPECT_EQ(read->ingested_at, batch->ingested_at);
    }
    EXPECT_EQ(read->topic, "t");
    for (size_t i = 0; i < read->size(); ++i, ++seen) {
      EXPECT_EQ(read->record(i), batch->record(seen));
      EXPECT_EQ(read->key(i), batch->key(seen));
      EXPECT_EQ(read->timestamp(i), batch->timestamp(seen));
      EXPECT_EQ(read->arrival(i), GetParam().keeps_arrivals ? batch->ingested_at : batch->timestamp(seen));
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
  if (!GetParam().finds_offsets) GTEST_SKIP() << "its cursors are more than offsets, and it finds no record by one";
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
  EXPECT_EQ(Drain(*reader, 5).by_partition.at(0), Numbered(0, 4)) << "and no fifth";
}

TEST_P(StreamContract, IdempotencyKeyAppendsOnce) {
  stream().EnsureTopic({.name = "t"});
  if (!GetParam().knows_idempotency_keys) {
    EXPECT_EQ(CodeOf([&] { stream().Append({"t", MakeBatch({"a"}), {}, "key"}); }), ErrorCode::kData);
    EXPECT_THAT(message_, testing::HasSubstr("no idempotency keys"));
    return;
  }
  stream().EnsureTopic({.name = "other"});
  using event::AppendOutcome;
  EXPECT_EQ(stream().Append({"t", MakeBatch({"a"}), {}, "key"}), AppendOutcome::kAppended);
  EXPECT_EQ(stream().Append({"t", MakeBatch({"a"}), {}, "key"}), AppendOutcome::kDuplicate);
  Reopen();
  EXPECT_EQ(stream().Append({"t", MakeBatch({"a"}), {}, "key"}), AppendOutcome::kDuplicate);
  EXPECT_EQ(stream().Append({"other", MakeBatch({"a"}), {}, "key"}), AppendOutcome::kAppended);
  auto reader = stream().OpenReader("t", "");
  EXPECT_EQ(Drain(*reader, 2).count, 1U);
}

/// Each record lies where its report says.
inline void ExpectReported(const Drained& drained, const event::EventBatch& batch,
                           const std::vector<event::RecordReport>& reports) {
  std::map<std::pair<int32_t, int64_t>, std::string> there;
  for (const auto& read : drained.batches) {
    for (size_t i = 0; i < read->size(); ++i) there[{read->partition, read->offset(i)}] = std::string(read->record(i));
  }
  ASSERT_EQ(reports.size(), batch.size());
  for (size_t i = 0; i < batch.size(); ++i) {
    EXPECT_TRUE(reports[i].durable);
    EXPECT_EQ((there[{reports[i].partition, reports[i].offset}]), batch.record(i));
  }
}

TEST_P(StreamContract, TellsWhereRecordsWent) {
  if (!GetParam().finds_offsets) GTEST_SKIP() << "its cursors are more than offsets, and it finds no record by one";
  stream().EnsureTopic({.name = "t", .partitions = 3});
  Append("t", Numbered(0, 5));
  const std::string large(20'000, 'x');
  const auto batch = MakeBatch({"a", large + "b", "c", large + "d", "e"}, {"k", "l", "", "m", "k"});
  std::vector<event::RecordReport> reports(99);
  event::AppendRequest request{.topic = "t", .events = batch, .position = {}, .idempotency_key = "once"};
  request.details = {{}, {.partition = 2}, {.partition = 0}, {.partition = 2}, {}};
  request.reports = &reports;
  ASSERT_EQ(stream().Append(request), event::AppendOutcome::kAppended);
  std::vector<event::RecordReport> more;
  event::AppendRequest plain{.topic = "t", .events = MakeBatch(Numbered(5, 3)), .position = {}, .idempotency_key = {}};
  plain.reports = &more;
  ASSERT_EQ(stream().Append(plain), event::AppendOutcome::kAppended);
  auto reader = stream().OpenReader("t", "");
  const auto drained = Drain(*reader, 13);
  ExpectReported(drained, *batch, reports);
  ExpectReported(drained, *plain.events, more);
  EXPECT_EQ(reports[0].partition, reports[4].partition);
  EXPECT_EQ(reports[1].partition, 2);
  EXPECT_EQ(reports[2].partition, 0);

  EXPECT_EQ(stream().Append(request), event::AppendOutcome::kDuplicate);
  ASSERT_EQ(reports.size(), 5U);
  EXPECT_TRUE(reports[4].durable);
  EXPECT_EQ(reports[4].offset, -1) << "the key is remembered, and not where the records went";
}

TEST_P(StreamContract, AppendsNothingWhereOneRecordCannotGo) {
  stream().EnsureTopic({.name = "t", .partitions = 2});
  std::vector<event::RecordReport> reports;
  event::AppendRequest request{.topic = "t", .events = MakeBatch({"a", "b"}), .position = {}, .idempotency_key = {}};
  request.reports = &reports;
  request.details = {{}, {.partition = 2}};
  EXPECT_EQ(CodeOf([&] { stream().Append(request); }), ErrorCode::kConfig);
  EXPECT_THAT(message_, testing::HasSubstr("no partition 2; it has 0 to 1"));
  request.details.clear();
  request.events = MakeHeaded({"a", "b"}, {{}, {{"trace", "1"}}});
  if (!GetParam().keeps_headers) {
    EXPECT_EQ(CodeOf([&] { stream().Append(request); }), ErrorCode::kData);
    EXPECT_THAT(message_, testing::HasSubstr("keeps no headers"));
  }
  Append("t", {"c"});
  auto reader = stream().OpenReader("t", "");
  EXPECT_EQ(Drain(*reader, 1).count, 1U);
}

TEST_P(StreamContract, KeepsHeadersForThoseWhoWantThem) {
  if (!GetParam().keeps_headers) GTEST_SKIP() << "it keeps none";
  stream().EnsureTopic({.name = "t"});
  const std::string bytes("\0\xFF\n", 3);
  const std::vector<event::HeaderList> headers = {
      {{"trace", "1"}, {"none", std::nullopt}, {"empty", ""}, {"trace", bytes}}, {}, {{std::string(300, 'n'), "v"}}};
  const auto batch = MakeHeaded({"a", "b\nb", "c"}, headers);
  Append("t", {"before"});
  stream().Append({.topic = "t", .events = batch, .position = {}, .idempotency_key = {}});
  Append("t", {"after"});
  for (const size_t bytes_max : {size_t{1}, size_t{4} << 20}) {
    auto reader = stream().OpenReader("t", event::ReaderOptions{.reader = {}, .headers = true});
    const auto drained = Drain(*reader, 5, bytes_max);
    std::vector<event::HeaderList> found;
    for (const auto& part : drained.batches) {
      for (size_t i = 0; i < part->size(); ++i) found.push_back(HeadersAt(*part, i));
    }
    EXPECT_THAT(found,
                testing::ElementsAre(event::HeaderList{}, headers[0], headers[1], headers[2], event::HeaderList{}));
  }
  auto plain = stream().OpenReader("t", "");
  for (const auto& part : Drain(*plain, 5).batches) EXPECT_TRUE(part->headers.empty());
}

TEST_P(StreamContract, ARecreatedTopicIsAnotherIncarnation) {
  const auto first = stream().EnsureTopic({.name = "t"});
  Append("t", Numbered(0, 5));
  auto reader = stream().OpenReader("t", "r");
  const auto drained = Drain(*reader, 5);
  stream().DeleteTopic("t");
  EXPECT_FALSE(stream().FindTopic("t").has_value());
  EXPECT_TRUE(stream().ListReaders().empty());
  std::this_thread::sleep_for(GetParam().between_incarnations);
  const auto second = stream().EnsureTopic({.name = "t"});
  EXPECT_NE(first.id, second.id);
  Append("t", Numbered(100, 3));
  if (GetParam().follows_topics) {
    EXPECT_EQ(Drain(*reader, 3, size_t{4} << 20, drained.positions).by_partition.at(0), Numbered(100, 3));
    reader.reset();
  } else {
    EXPECT_EQ(CodeOf([&] { reader->Read({}, {}); }), ErrorCode::kStop);
  }
  auto next = stream().OpenReader("t", "r");
  next->Seek(drained.positions);
  EXPECT_EQ(Drain(*next, 3, size_t{4} << 20, drained.positions).by_partition.at(0), Numbered(100, 3));
}

TEST_P(StreamContract, BeginsWhereItIsTold) {
  if (!GetParam().finds_offsets) GTEST_SKIP() << "its cursors are more than offsets, and it finds no record by one";
  const auto topic = stream().EnsureTopic({.name = "t", .partitions = 2});
  Append("t", Numbered(0, 5));
  Append("t", Numbered(5, 5));
  const auto early = *ParseTimestamp("2026-01-02T03:04:05.6Z");
  const auto late = early + std::chrono::hours(1);
  for (int i = 0; i < 2; ++i) {
    auto batch = MakeBatch(Numbered(10, 2));
    batch->timestamps.assign(2, late);
    stream().Append({"t", batch, {}, {}});
  }
  const auto in_first = event::TopicSplit(topic.id, 0), in_second = event::TopicSplit(topic.id, 1);
  const auto cursors = [](int64_t first, int64_t second) {
    return std::pair{event::OffsetCursor(first), event::OffsetCursor(second)};
  };
  const auto found = [&](const event::Start& start) {
    auto positions = stream().FindStart("t", start);
    return std::pair{positions[in_first], positions[in_second]};
  };
  using At = event::Start::At;
  EXPECT_TRUE(stream().FindStart("t", {}).empty());
  EXPECT_EQ(found({.at = At::kLatest}), cursors(7, 7));
  EXPECT_EQ(found({.at = At::kTime, .time = early}), cursors(0, 0));
  EXPECT_EQ(found({.at = At::kTime, .time = early + std::chrono::minutes(1)}), cursors(5, 5));
  EXPECT_EQ(found({.at = At::kTime, .time = late + std::chrono::minutes(1)}), cursors(7, 7));
  EXPECT_EQ(found({.at = At::kOffsets, .offsets = {{1, 6}}}), cursors(0, 6));
  EXPECT_EQ(CodeOf([&] { stream().FindStart("t", {.at = At::kOffsets, .offsets = {{1, 8}}}); }), ErrorCode::kConfig);
  EXPECT_EQ(CodeOf([&] { stream().FindStart("t", {.at = At::kOffsets, .offsets = {{2, 0}}}); }), ErrorCode::kConfig);
  EXPECT_EQ(CodeOf([&] { stream().FindStart("none", {}); }), ErrorCode::kConfig);

  const auto starts = stream().FindStart("t", {.at = At::kOffsets, .offsets = {{1, 6}}});
  auto reader = stream().OpenReader("t", event::ReaderOptions{.reader = "r", .starts = starts});
  const auto drained = Drain(*reader, 8);
  EXPECT_EQ(drained.by_partition.at(0).size(), 7U);
  EXPECT_EQ(drained.by_partition.at(1), Numbered(11, 1));
  for (const auto& batch : drained.batches) {
    if (batch->split == in_second) {
      EXPECT_EQ(batch->begin, event::kStart) << "what was never landed is told to nobody";
    }
  }
  reader->Seek(drained.positions);
  Append("t", Numbered(20, 1));
  Append("t", Numbered(21, 1));
  EXPECT_EQ(Drain(*reader, 2, size_t{4} << 20, drained.positions).count, 2U);
}

TEST_P(StreamContract, AGapStopsOrIsLanded) {
  if (!GetParam().finds_offsets) GTEST_SKIP() << "its cursors are more than offsets, and it finds no record by one";
  const auto topic = stream().EnsureTopic({.name = "t"});
  const auto split = event::TopicSplit(topic.id, 0);
  Append("t", Numbered(0, 10));
  under_test_->DropAll("t");
  Append("t", Numbered(10, 5));
  const event::Positions stored = {{split, event::OffsetCursor(4)}};
  {
    auto reader = stream().OpenReader("t", "");
    reader->Seek(stored);
    EXPECT_EQ(CodeOf([&] { ReadSomething(*reader); }), ErrorCode::kStop);
    EXPECT_THAT(message_, testing::HasSubstr("[4, 10)"));
    EXPECT_THAT(message_, testing::HasSubstr("on_gap: land"));
  }
  auto reader = stream().OpenReader("t", event::ReaderOptions{.reader = "", .land_gaps = true});
  reader->Seek(stored);
  const auto gap = ReadSomething(*reader).batch;
  ASSERT_NE(gap, nullptr);
  EXPECT_EQ(gap->size(), 0U);
  ASSERT_TRUE(gap->gap.has_value());
  EXPECT_EQ(gap->gap->first_offset, 4);
  EXPECT_EQ(gap->gap->end_offset, 10);
  EXPECT_THAT(gap->gap->why, testing::HasSubstr("[4, 10)"));
  EXPECT_EQ(gap->begin, event::OffsetCursor(4));
  EXPECT_EQ(gap->end, event::OffsetCursor(10));
  const auto drained = Drain(*reader, 5, size_t{4} << 20, {{split, gap->end}});
  EXPECT_EQ(drained.by_partition.at(0), Numbered(10, 5));

  auto fresh = stream().OpenReader("t", "");
  EXPECT_EQ(Drain(*fresh, 5).by_partition.at(0), Numbered(10, 5)) << "the start is the oldest there is, and no gap";
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
  if (!GetParam().finds_offsets) GTEST_SKIP() << "its cursors are more than offsets, and it finds no record by one";
  const auto topic = stream().EnsureTopic({.name = "t"});
  Append("t", Numbered(0, 5));
  auto reader = stream().OpenReader("t", "");
  const event::Positions ahead = {{event::TopicSplit(topic.id, 0), event::OffsetCursor(7)}};
  reader->Seek(ahead);
  EXPECT_EQ(CodeOf([&] { ReadSomething(*reader); }), ErrorCode::kStop);
  EXPECT_THAT(message_, testing::HasSubstr("ends at 5"));
  auto tolerant = stream().OpenReader("t", event::ReaderOptions{.reader = "", .land_gaps = true});
  tolerant->Seek(ahead);
  const auto gap = ReadSomething(*tolerant).batch;
  ASSERT_NE(gap, nullptr);
  EXPECT_TRUE(gap->gap.has_value());
  EXPECT_EQ(gap->end, event::OffsetCursor(5));
  Append("t", Numbered(5, 2));
  EXPECT_EQ(ReadSomething(*tolerant).batch->base_offset, 5);
}

TEST_P(StreamContract, AcknowledgedReadersAreListedWithTheirLag) {
  if (!GetParam().finds_offsets) GTEST_SKIP() << "its cursors are more than offsets, and it finds no record by one";
  const auto topic = stream().EnsureTopic({.name = "t"});
  Append("t", Numbered(0, 10));
  auto reader = stream().OpenReader("t", "r");
  while (reader->Read({.bytes_max = 1}, {}).state != event::ReadState::kBatch) reader->Seek({});
  EXPECT_TRUE(Eventually([&] { return reader->lag().records == 9; })) << reader->lag().records;
  event::Positions at = {{event::TopicSplit(topic.id, 0), event::OffsetCursor(1)}};
  EXPECT_EQ(Drain(*reader, 9, size_t{4} << 20, at).count, 9U);
  EXPECT_TRUE(Eventually([&] { return reader->lag().records == 0; })) << reader->lag().records;
  reader->Acknowledge({{event::TopicSplit(topic.id, 0), event::OffsetCursor(7)}});
  std::vector<event::ReaderInfo> readers;
  ASSERT_TRUE(Eventually([&] {
    readers = stream().ListReaders();
    return readers.size() == 1 && readers[0].next_offset == 7;
  }));
  EXPECT_EQ(readers[0].reader, "r");
  EXPECT_EQ(readers[0].topic, "t");
  EXPECT_EQ(readers[0].next_offset, 7);
  EXPECT_EQ(readers[0].lag_records, 3);
}

TEST_P(StreamContract, AWaitingReaderSeesAnAppend) {
  stream().EnsureTopic({.name = "t"});
  auto reader = stream().OpenReader("t", "");
  std::jthread writer([&] { Append("t", {"a"}); });
  auto result = reader->Read({.wait = std::chrono::seconds(30)}, {});
  if (result.state == event::ReadState::kIdle) result = reader->Read({.wait = std::chrono::seconds(30)}, {});
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
