#include "stream/embedded/embedded_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "contract/stream_records.h"
#include "stream/embedded/crc32c.h"
#include "stream/embedded/partitioner.h"
#include "stream/embedded/sqlite.h"

namespace millrace::stream {
namespace {

using contract::Drain;
using contract::MakeBatch;
using contract::Numbered;
using testing::HasSubstr;

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "stream_test_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

class EmbeddedStreamTest : public testing::Test {
 protected:
  std::unique_ptr<EmbeddedStream> Open() {
    return std::make_unique<EmbeddedStream>(EmbeddedStreamOptions{.path = path_});
  }
  /// An append whose ingestion time is `seconds` after 1970.
  static void AppendAt(event::Stream& stream, int seconds, const contract::Records& records) {
    auto batch = MakeBatch(records);
    batch->ingested_at = Timestamp(std::chrono::seconds(seconds));
    stream.Append({"t", batch, {}, {}});
  }
  static std::string ErrorOf(const std::function<void()>& body) {
    try {
      body();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kStop);
      return error.what();
    }
    return "no error";
  }

  TempDir dir_;
  std::filesystem::path path_ = dir_ / "stream.db";
};

TEST_F(EmbeddedStreamTest, RefusesANewerFormatAndForeignFiles) {
  Open();
  {
    Connection connection(path_, "");
    connection.Execute("PRAGMA user_version=3");
  }
  EXPECT_THAT(ErrorOf([&] { Open(); }), HasSubstr("stream format 3 and this program reads 2"));

  path_ = dir_ / "foreign.db";
  {
    Connection connection(path_, "");
    connection.Execute("CREATE TABLE t(a)");
  }
  EXPECT_THAT(ErrorOf([&] { Open(); }), HasSubstr("another program"));

  path_ = dir_ / "text.db";
  std::ofstream(path_) << std::string(5000, 'x');
  EXPECT_THAT(ErrorOf([&] { Open(); }), HasSubstr("not a database"));

  path_ = dir_ / "no/such/folder.db";
  EXPECT_THAT(ErrorOf([&] { Open(); }), HasSubstr("cannot be opened"));
}

TEST_F(EmbeddedStreamTest, CommitsAreWrittenAheadAndSynced) {
  auto stream = Open();
  Connection connection(path_, "");
  auto mode = connection.Prepare("PRAGMA journal_mode");
  mode.Step();
  EXPECT_EQ(mode.Text(0), "wal");
}

TEST_F(EmbeddedStreamTest, ADamagedRowStopsWithItsPlace) {
  auto stream = Open();
  stream->EnsureTopic({.name = "t"});
  AppendAt(*stream, 1, Numbered(0, 10));
  AppendAt(*stream, 2, Numbered(10, 10));
  {
    Connection connection(path_, "");
    const auto at = connection.QueryInt("SELECT payload_at FROM batch ORDER BY place DESC LIMIT 1");
    std::fstream segment(dir_ / "stream.segments/0000000001.seg", std::ios::in | std::ios::out | std::ios::binary);
    segment.seekp(at + 20).put('\0');
  }
  auto reader = stream->OpenReader("t", "");
  EXPECT_EQ(reader->Read({}, {}).batch->size(), 10U);
  EXPECT_THAT(ErrorOf([&] { reader->Read({}, {}); }),
              testing::AllOf(HasSubstr("topic t partition 0 offset 10"), HasSubstr("checksum")));
}

TEST_F(EmbeddedStreamTest, ALostRowStopsWithItsPlace) {
  auto stream = Open();
  stream->EnsureTopic({.name = "t"});
  for (int i = 0; i < 3; ++i) AppendAt(*stream, i + 1, Numbered(i * 10, 10));
  {
    Connection connection(path_, "");
    connection.Execute("DELETE FROM batch WHERE place & 1023 = 10");
  }
  auto reader = stream->OpenReader("t", "");
  EXPECT_EQ(reader->Read({}, {}).batch->size(), 10U);
  EXPECT_THAT(ErrorOf([&] { reader->Read({}, {}); }), HasSubstr("topic t partition 0 offset 10"));
}

TEST_F(EmbeddedStreamTest, AgeNeverPassesTheSlowestReader) {
  auto stream = Open();
  const auto topic = stream->EnsureTopic({.name = "t", .retention_age = std::chrono::seconds(100)});
  for (int i = 0; i < 5; ++i) AppendAt(*stream, 1000 + i, Numbered(i * 10, 10));
  auto slow = stream->OpenReader("t", "slow");
  auto quick = stream->OpenReader("t", "quick");
  quick->Acknowledge({{event::TopicSplit(topic.id, 0), event::OffsetCursor(50)}});
  slow->Acknowledge({{event::TopicSplit(topic.id, 0), event::OffsetCursor(25)}});
  EXPECT_EQ(stream->EnforceRetention(Timestamp(std::chrono::seconds(1100))), 0);
  const auto before = stream->FindTopic("t")->partitions[0].bytes;
  const auto freed = stream->EnforceRetention(Timestamp(std::chrono::seconds(9000)));
  const auto after = stream->FindTopic("t")->partitions[0];
  EXPECT_GT(freed, 0);
  EXPECT_EQ(after.bytes, before - freed);
  EXPECT_EQ(after.first_offset, 20);
  EXPECT_EQ(after.next_offset, 50);
  slow->Seek({{event::TopicSplit(topic.id, 0), event::OffsetCursor(25)}});
  EXPECT_EQ(Drain(*slow, 25).by_partition.at(0), Numbered(25, 25));
}

TEST_F(EmbeddedStreamTest, BytesPassTheReaderAndLeaveAGap) {
  auto stream = Open();
  const auto topic = stream->EnsureTopic({.name = "t"});
  for (int i = 0; i < 5; ++i) AppendAt(*stream, 1000 + i, Numbered(i * 10, 10));
  auto reader = stream->OpenReader("t", "r");
  reader->Acknowledge({{event::TopicSplit(topic.id, 0), event::OffsetCursor(5)}});
  const auto bytes = stream->FindTopic("t")->partitions[0].bytes;
  stream->EnsureTopic({.name = "t", .retention_bytes = bytes / 2});
  EXPECT_GT(stream->EnforceRetention(Timestamp(std::chrono::seconds(2000))), 0);
  EXPECT_EQ(stream->FindTopic("t")->partitions[0].first_offset, 30);

  const auto gap =
      testing::AllOf(HasSubstr("topic t partition 0"), HasSubstr("[5, 30)"), HasSubstr("retention by bytes"));
  reader->Seek({{event::TopicSplit(topic.id, 0), event::OffsetCursor(5)}});
  EXPECT_THAT(ErrorOf([&] { reader->Read({}, {}); }), gap);
  // Nor does starting over hide it, while a reader that never was here begins at what there is.
  stream.reset();
  stream = Open();
  reader = stream->OpenReader("t", "r");
  EXPECT_THAT(ErrorOf([&] { reader->Read({}, {}); }), gap);
  auto fresh = stream->OpenReader("t", "fresh");
  const auto drained = Drain(*fresh, 20);
  EXPECT_EQ(drained.by_partition.at(0), Numbered(30, 20));
  EXPECT_EQ(drained.batches.front()->begin, event::kStart);
}

TEST_F(EmbeddedStreamTest, IdempotencyKeysAreForgottenByAgeAndNumber) {
  EmbeddedStream stream({.path = path_, .idempotency_keys_max = 2});
  stream.EnsureTopic({.name = "t"});
  for (const char* key : {"a", "b", "c"}) stream.Append({"t", MakeBatch({key}), {}, key});
  stream.EnforceRetention(Clock::System().Now());
  EXPECT_EQ(stream.Append({"t", MakeBatch({"c"}), {}, "c"}), event::AppendOutcome::kDuplicate);
  EXPECT_EQ(stream.Append({"t", MakeBatch({"a"}), {}, "a"}), event::AppendOutcome::kAppended);
  stream.EnforceRetention(Clock::System().Now() + std::chrono::hours(25));
  EXPECT_EQ(stream.Append({"t", MakeBatch({"c"}), {}, "c"}), event::AppendOutcome::kAppended);
}

TEST_F(EmbeddedStreamTest, LimitsAreErrorsOfTheData) {
  EmbeddedStream stream({.path = path_, .record_bytes_max = 100, .batch_bytes_max = 150});
  stream.EnsureTopic({.name = "t"});
  const auto code = [&](const contract::Records& records) {
    try {
      stream.Append({"t", MakeBatch(records), {}, {}});
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code({"a", std::string(101, 'x')}), ErrorCode::kData);
  EXPECT_EQ(code({std::string(100, 'x'), std::string(51, 'x')}), ErrorCode::kData);
  EXPECT_EQ(stream.FindTopic("t")->partitions[0].next_offset, 0);
}

TEST_F(EmbeddedStreamTest, RowsStayBelowAMebibyteAndReadBackWhole) {
  auto stream = Open();
  stream->EnsureTopic({.name = "t"});
  contract::Records records;
  for (int i = 0; i < 3000; ++i)
    records.push_back(std::to_string(i) + std::string(1000, static_cast<char>('a' + i % 26)));
  records[1500] = std::string(size_t{3} << 20, 'z');
  stream->Append({"t", MakeBatch(records), {}, {}});
  {
    Connection connection(path_, "");
    EXPECT_EQ(connection.QueryInt("SELECT count(*) FROM batch WHERE records_bytes > 1048576"), 1);
    EXPECT_GE(connection.QueryInt("SELECT count(*) FROM batch"), 4);
  }
  auto reader = stream->OpenReader("t", "");
  EXPECT_EQ(Drain(*reader, 3000, 300'000).by_partition.at(0), records);
}

TEST_F(EmbeddedStreamTest, AppendsOfOneMomentAreReadAsOneBatch) {
  auto stream = Open();
  stream->EnsureTopic({.name = "t"});
  for (int i = 0; i < 20; ++i) AppendAt(*stream, 1000, {std::to_string(i)});
  AppendAt(*stream, 1001, {"later"});
  auto reader = stream->OpenReader("t", "");
  EXPECT_EQ(reader->Read({}, {}).batch->size(), 20U);
  EXPECT_EQ(reader->Read({}, {}).batch->ingested_at, Timestamp(std::chrono::seconds(1001)));
}

TEST_F(EmbeddedStreamTest, RowsWithAndWithoutKeysAndTimesJoin) {
  auto stream = Open();
  stream->EnsureTopic({.name = "t"});
  stream->Append({"t", MakeBatch({"a", "b"}), {}, {}});
  auto keyed = MakeBatch({"c"}, {"key"});
  keyed->timestamps = {Timestamp(std::chrono::seconds(7))};
  stream->Append({"t", keyed, {}, {}});
  stream->Append({"t", MakeBatch({"d"}), {}, {}});
  auto reader = stream->OpenReader("t", "");
  const auto batch = reader->Read({}, {}).batch;
  ASSERT_EQ(contract::RecordsOf(*batch), (contract::Records{"a", "b", "c", "d"}));
  EXPECT_EQ(batch->key(0), "");
  EXPECT_EQ(batch->key(2), "key");
  EXPECT_EQ(batch->key(3), "");
  EXPECT_EQ(batch->timestamp(1), batch->ingested_at);
  EXPECT_EQ(batch->timestamp(2), Timestamp(std::chrono::seconds(7)));
  EXPECT_EQ(batch->timestamp(3), batch->ingested_at);
}

TEST_F(EmbeddedStreamTest, TwoStreamsOnOneFileSeeEachOther) {
  auto one = Open();
  auto two = Open();
  one->EnsureTopic({.name = "t"});
  auto reader = two->OpenReader("t", "");
  AppendAt(*one, 1, {"a"});
  EXPECT_EQ(Drain(*reader, 1).count, 1U);
  AppendAt(*two, 2, {"b"});
  AppendAt(*one, 3, {"c"});
  EXPECT_EQ(Drain(*reader, 2).by_partition.at(0), (contract::Records{"b", "c"}));
  // The other one's cache of the incarnation is stale after this.
  two->DeleteTopic("t");
  two->EnsureTopic({.name = "t", .partitions = 2});
  AppendAt(*one, 4, {"d"});
  AppendAt(*one, 5, {"e"});
  auto fresh = two->OpenReader("t", "");
  EXPECT_EQ(Drain(*fresh, 2).by_partition.size(), 2U);
}

TEST_F(EmbeddedStreamTest, DeletedTopicsLeaveNoRows) {
  auto stream = Open();
  stream->EnsureTopic({.name = "t"});
  for (int i = 0; i < 600; ++i) AppendAt(*stream, i, {"a"});
  stream->DeleteTopic("t");
  Connection connection(path_, "");
  EXPECT_EQ(connection.QueryInt("SELECT count(*) FROM batch"), 0);
  EXPECT_EQ(connection.QueryInt("SELECT count(*) FROM part"), 0);
}

TEST_F(EmbeddedStreamTest, LagIsToldByPartition) {
  auto stream = Open();
  stream->EnsureTopic({.name = "t", .partitions = 3});
  auto batch = MakeBatch(Numbered(0, 5), contract::Records(5, "key7"));
  batch->ingested_at = Timestamp(std::chrono::seconds(100));
  stream->Append({"t", batch, {}, {}});
  const auto lag = stream->OpenReader("t", "")->lag();
  ASSERT_EQ(lag.partitions.size(), 3U);
  for (const auto& partition : lag.partitions) {
    const bool behind = partition.partition == PartitionOf("key7", 3);
    EXPECT_EQ(partition.records, behind ? 5 : 0);
    EXPECT_EQ(partition.oldest, behind ? std::optional(Timestamp(std::chrono::seconds(100))) : std::nullopt);
  }
}

// Verdicts of the Python package xxhash: xxh3_64_intdigest(key) % 7.
TEST(PartitionOfTest, IsXxh3) {
  EXPECT_EQ(PartitionOf("", 7), 4);
  EXPECT_EQ(PartitionOf("a", 7), 1);
  EXPECT_EQ(PartitionOf("user-42", 7), 3);
  EXPECT_EQ(PartitionOf("key7", 7), 0);
  EXPECT_EQ(PartitionOf("schl\xc3\xbcssel", 7), 4);
}

// Verdicts of the Python package crc32c.
TEST(Crc32cTest, IsCastagnoli) {
  EXPECT_EQ(Crc32c(""), 0U);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32c("The quick brown fox jumps over the lazy dog"), 0x22620404U);
  EXPECT_EQ(Crc32c("6789", Crc32c("12345")), 0xe3069283U);
}

}  // namespace
}  // namespace millrace::stream
