#include "stream/kinesis/kinesis_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "contract/stream_records.h"
#include "services/kinesis_server.h"

namespace millrace::stream {
namespace {

using contract::Drain;
using contract::MakeBatch;
using contract::Numbered;
using contract::Records;

class KinesisStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = services::KinesisLacks(); !why.empty()) GTEST_SKIP() << why;
    Open("own-");
    for (const auto& topic : stream_->ListTopics()) stream_->DeleteTopic(topic.spec.name);
  }
  void Open(const std::string& prefix) {
    auto options = services::KinesisAtServer(dir_.path() / "kinesis.db");
    options.prefix = prefix;
    stream_ = std::make_unique<KinesisStream>(std::move(options));
  }
  std::string Refusal(const event::EventBatchPtr& batch) {
    try {
      stream_->Append({"t", batch, {}, {}});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kData);
      return error.what();
    }
    return "none";
  }

  judge::Folder dir_;
  std::unique_ptr<KinesisStream> stream_;
};

TEST_F(KinesisStreamTest, TellsWhereRecordsWent) {
  stream_->EnsureTopic({.name = "t", .partitions = 3});
  const auto batch = MakeBatch({"a", "b", "c", "d", "e"}, {"k", "l", "", "m", "k"});
  std::vector<event::RecordReport> reports(99);
  event::AppendRequest request{.topic = "t", .events = batch, .position = {}, .idempotency_key = {}};
  request.details = {{}, {.partition = 2}, {.partition = 0}, {.partition = 1}, {}};
  request.reports = &reports;
  ASSERT_EQ(stream_->Append(request), event::AppendOutcome::kAppended);
  auto reader = stream_->OpenReader("t", "");
  const auto drained = Drain(*reader, 5);
  ASSERT_EQ(reports.size(), 5U);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(reports[i].durable);
    EXPECT_EQ(reports[i].offset, -1);
    EXPECT_THAT(drained.by_partition.at(reports[i].partition), testing::Contains(std::string(batch->record(i))));
  }
  EXPECT_EQ(reports[1].partition, 2);
  EXPECT_EQ(reports[2].partition, 0);
  EXPECT_EQ(reports[0].partition, reports[4].partition);
}

TEST_F(KinesisStreamTest, RefusesWhatKinesisCannotHold) {
  stream_->EnsureTopic({.name = "t"});
  const std::string most((size_t{1} << 20) - 1, 'x');
  EXPECT_THAT(Refusal(MakeBatch({"a", most + "xx"}, {"", "k"})), testing::HasSubstr("record 2 of 2 has 1048578 bytes"));
  EXPECT_THAT(Refusal(MakeBatch({"a"}, {"\xFF"})), testing::HasSubstr("no UTF-8"));
  EXPECT_THAT(Refusal(MakeBatch({"a"}, {std::string(257, 'k')})), testing::HasSubstr("257 characters"));
  EXPECT_EQ(Refusal(MakeBatch({most}, {"k"})), "none");
  std::string umlauts;
  for (int i = 0; i < 256; ++i) umlauts += "\xC3\xA4";
  EXPECT_EQ(Refusal(MakeBatch({"a"}, {umlauts})), "none");
  auto reader = stream_->OpenReader("t", "");
  EXPECT_EQ(Drain(*reader, 2).count, 2U) << "of a batch that was refused nothing was sent";
}

TEST_F(KinesisStreamTest, LargeAppendsGoInManyRequests) {
  stream_->EnsureTopic({.name = "t", .partitions = 2});
  stream_->Append({"t", MakeBatch(Numbered(0, 1200)), {}, {}});
  const std::string large(900'000, 'x');
  Records records, keys;
  for (int i = 0; i < 12; ++i) {
    records.push_back(std::to_string(i % 2) + ":" + std::to_string(i) + large);
    keys.push_back(std::to_string(i % 2));
  }
  stream_->Append({"t", MakeBatch(records, keys), {}, {}});
  auto reader = stream_->OpenReader("t", "");
  const auto drained = Drain(*reader, 1212);
  EXPECT_EQ(drained.count, 1212U);
  std::map<char, int> last;
  for (const auto& [partition, of_partition] : drained.by_partition) {
    for (const auto& record : of_partition) {
      if (record.size() < large.size()) continue;
      const int number = std::stoi(record.substr(2));
      EXPECT_TRUE(!last.contains(record[0]) || last[record[0]] < number);
      last[record[0]] = number;
    }
  }
}

TEST_F(KinesisStreamTest, SeesTheStreamsOfItsPrefixAlone) {
  stream_->EnsureTopic({.name = "t"});
  Open("other-");
  EXPECT_TRUE(stream_->ListTopics().empty());
  EXPECT_FALSE(stream_->FindTopic("t"));
  Open("own-");
  ASSERT_EQ(stream_->ListTopics().size(), 1U);
  EXPECT_EQ(stream_->ListTopics()[0].spec.name, "t");
}

TEST_F(KinesisStreamTest, GoesOnAtAnyPlaceWithTheSameOffsets) {
  stream_->EnsureTopic({.name = "t"});
  stream_->Append({"t", MakeBatch(Numbered(0, 40)), {}, {}});
  auto reader = stream_->OpenReader("t", "");
  const auto drained = Drain(*reader, 40, 30);
  ASSERT_GT(drained.batches.size(), 10U);
  for (size_t i = 0; i < drained.batches.size(); i += 3) {
    const auto& batch = *drained.batches[i];
    reader->Seek({{batch.split, batch.end}});
    const size_t rest = 40 - static_cast<size_t>(event::OffsetOf(batch.end));
    const auto again = Drain(*reader, rest, 30, {{batch.split, batch.end}});
    EXPECT_EQ(again.count, rest);
    if (rest > 0) {
      EXPECT_EQ(again.batches[0]->base_offset, event::OffsetOf(batch.end));
    }
    EXPECT_EQ(again.positions, drained.positions);
  }
}

}  // namespace
}  // namespace millrace::stream
