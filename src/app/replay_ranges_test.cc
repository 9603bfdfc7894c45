#include "app/replay_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "contract/stream_records.h"
#include "stream/embedded/embedded_stream.h"

namespace millrace::app {
namespace {

using land::OffsetRange;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ThrowsMessage;

Timestamp At(int64_t seconds) { return Timestamp(std::chrono::seconds(1'700'000'000 + seconds)); }

/// A real stream: of each partition 40 batches of 25 records, a batch taken every ten seconds; the event times within a
/// batch lie an hour back, and those of every third batch a day.
class ReplayRangesTest : public ::testing::Test {
 protected:
  static constexpr int kPartitions = 2;
  static constexpr int64_t kBatches = 40;
  static constexpr int64_t kPerBatch = 25;
  static constexpr int64_t kHour = 3600;

  ReplayRangesTest() {
    std::string name = ::testing::TempDir() + "replay_ranges_XXXXXX";
    folder_ = ::mkdtemp(name.data());
    stream_ = std::make_unique<stream::EmbeddedStream>(stream::EmbeddedStreamOptions{.path = folder_ / "stream.db"});
    topic_ = stream_->EnsureTopic({.name = "t", .partitions = kPartitions});
    for (int64_t batch = 0; batch < kBatches; ++batch) Append(batch);
    topic_ = *stream_->FindTopic("t");
  }
  ~ReplayRangesTest() override {
    stream_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// Keyless batches go round robin, so partitions take turns.
  void Append(int64_t batch) {
    for (int partition = 0; partition < kPartitions; ++partition) {
      auto events = contract::MakeBatch(contract::Numbered(static_cast<int>(batch * kPerBatch), kPerBatch));
      events->ingested_at = At(10 * batch);
      for (int64_t i = 0; i < kPerBatch; ++i) {
        events->timestamps.push_back(At(10 * batch - (batch % 3 == 0 ? 24 : 1) * kHour + i / 5));
      }
      stream_->Append({.topic = "t", .events = events, .position = {}, .idempotency_key = {}});
    }
  }
  event::SplitId Split(int32_t partition) const { return event::TopicSplit(topic_.id, partition); }
  event::Positions Ends() const {
    event::Positions ends;
    for (const auto& partition : topic_.partitions) {
      ends[Split(partition.partition)] = event::OffsetCursor(partition.next_offset);
    }
    return ends;
  }
  land::OffsetRanges ByTime(TimeRange times, TimeOf by) { return RangesByTime(*stream_, topic_, times, by, {}); }

  std::filesystem::path folder_;
  std::unique_ptr<stream::EmbeddedStream> stream_;
  event::TopicInfo topic_;
};

TEST_F(ReplayRangesTest, OffsetsAreTakenAsTheyAreWritten) {
  EXPECT_THAT(RangesByOffset(topic_, {"0=10..20", "1=..5"}),
              ElementsAre(Pair(Split(0), OffsetRange{10, 20}), Pair(Split(1), OffsetRange{0, 5})));
  EXPECT_THAT(RangesByOffset(topic_, {"1=990.."}), ElementsAre(Pair(Split(1), OffsetRange{990, 1000})));
  for (const char* text : {"", "0", "0=1", "x=1..2", "2=1..2", "0=5..5", "0=5..4", "0=1..1001", "0=a..b", "0=-1..2"}) {
    EXPECT_THROW(RangesByOffset(topic_, {text}), Error) << text;
  }
  EXPECT_THAT([&] { RangesByOffset(topic_, {"0=1..2", "0=4..5"}); }, ThrowsMessage<Error>(HasSubstr("named twice")));
}

TEST_F(ReplayRangesTest, TimesOfIngestionAreFoundToTheBatch) {
  EXPECT_THAT(ByTime({At(100), At(200)}, TimeOf::kIngested),
              ElementsAre(Pair(Split(0), OffsetRange{250, 500}), Pair(Split(1), OffsetRange{250, 500})));
  EXPECT_THAT(ByTime({At(385), std::nullopt}, TimeOf::kIngested),
              ElementsAre(Pair(Split(0), OffsetRange{975, 1000}), Pair(Split(1), OffsetRange{975, 1000})));
  EXPECT_THAT(ByTime({std::nullopt, At(1)}, TimeOf::kIngested),
              ElementsAre(Pair(Split(0), OffsetRange{0, 25}), Pair(Split(1), OffsetRange{0, 25})));
  EXPECT_TRUE(ByTime({At(101), At(109)}, TimeOf::kIngested).empty());
  EXPECT_TRUE(ByTime({At(1000), std::nullopt}, TimeOf::kIngested).empty());
}

TEST_F(ReplayRangesTest, TimesOfEventsAreTheShortestStretchThatHasThemAll) {
  const auto ranges = ByTime({At(-24 * kHour + 62), At(-24 * kHour + 121)}, TimeOf::kEvent);
  // Batches 6, 9 and 12 are a day back: the last three fifths of 6, all of 9, the first fifth of 12.
  EXPECT_THAT(ranges, ElementsAre(Pair(Split(0), OffsetRange{160, 305}), Pair(Split(1), OffsetRange{160, 305})));
}

TEST_F(ReplayRangesTest, AStretchIsReadExactlyWhateverTheBatches) {
  for (const size_t bytes_max : {size_t{1}, size_t{100}, size_t{1} << 20}) {
    land::RangeSource source(stream_->OpenReader("t", ""),
                             {.ranges = {{Split(0), {30, 77}}, {Split(1), {990, 1000}}}, .ends = Ends()});
    Append(kBatches);  // what comes meanwhile is none of its business
    std::map<event::SplitId, std::vector<int64_t>> offsets;
    event::Positions at;
    for (auto read = source.Read({.bytes_max = bytes_max}, {}); read.state != event::ReadState::kExhausted;
         read = source.Read({.bytes_max = bytes_max}, {})) {
      if (!read.batch) continue;
      EXPECT_EQ(read.batch->begin, at[read.batch->split]);
      at[read.batch->split] = read.batch->end;
      for (size_t i = 0; i < read.batch->size(); ++i) {
        offsets[read.batch->split].push_back(read.batch->offset(i));
        EXPECT_THAT(std::string(read.batch->record(i)),
                    HasSubstr("\"n\":" + std::to_string(read.batch->offset(i) % (kBatches * kPerBatch))));
      }
    }
    EXPECT_EQ(at.at(Split(0)), event::OffsetCursor(77));
    EXPECT_EQ(at.at(Split(1)), event::OffsetCursor(1000));
    for (int64_t i = 0; i < 47; ++i) EXPECT_EQ(offsets[Split(0)].at(static_cast<size_t>(i)), 30 + i);
    EXPECT_EQ(offsets[Split(0)].size(), 47U);
    EXPECT_EQ(offsets[Split(1)].size(), 10U);
    EXPECT_EQ(source.lag().records, 0);
  }
}

TEST_F(ReplayRangesTest, OnlyWhatIsWantedComesAndPositionsPassTheRest) {
  land::RangeSource source(
      stream_->OpenReader("t", ""),
      {.ranges = {{Split(0), {0, 100}}}, .ends = Ends(), .wanted = [](const event::EventBatch& events, size_t record) {
         return events.offset(record) % 10 == 3;
       }});
  std::vector<int64_t> offsets;
  event::Cursor at;
  for (auto read = source.Read({}, {}); read.state != event::ReadState::kExhausted; read = source.Read({}, {})) {
    if (!read.batch) continue;
    at = read.batch->end;
    for (size_t i = 0; i < read.batch->size(); ++i) offsets.push_back(read.batch->offset(i));
  }
  EXPECT_THAT(offsets, ElementsAre(3, 13, 23, 33, 43, 53, 63, 73, 83, 93));
  EXPECT_EQ(at, event::OffsetCursor(100));
  source.Seek({{Split(0), event::OffsetCursor(90)}});
  EXPECT_EQ(source.lag().records, 10);
}

TEST(ReplayTimes, AreDaysMomentsOrAges) {
  const Timestamp now = *ParseTimestamp("2026-01-02T03:04:05Z");
  EXPECT_EQ(ParseTime("2026-01-01", now), *ParseTimestamp("2026-01-01T00:00:00Z"));
  EXPECT_EQ(ParseTime("2026-01-01T10:00:00+01:00", now), *ParseTimestamp("2026-01-01T09:00:00Z"));
  EXPECT_EQ(ParseTime("2h", now), *ParseTimestamp("2026-01-02T01:04:05Z"));
  EXPECT_THROW(ParseTime("yesterday", now), Error);
}

}  // namespace
}  // namespace millrace::app
