#include "stream/embedded/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "contract/stream_records.h"
#include "judge/python.h"
#include "stream/embedded/embedded_stream.h"
#include "stream/embedded/journal_entry.h"
#include "stream/embedded/store.h"

namespace millrace::stream {
namespace {

namespace fs = std::filesystem;
using contract::Drain;
using contract::MakeBatch;
using contract::Numbered;
using testing::AllOf;
using testing::HasSubstr;

constexpr int64_t kSegmentBytes = 64 << 10;

event::ProducerPosition FromTo(int begin, int end) {
  const auto cursor = [](int n) { return n == 0 ? event::kStart : event::Cursor(std::to_string(n)); };
  return {"driver", event::SplitId("file:driver"), cursor(begin), cursor(end)};
}

std::string StopOf(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kStop);
    return error.what();
  }
  return "no error";
}

class JournalTest : public testing::Test {
 protected:
  std::unique_ptr<EmbeddedStream> Open() {
    return std::make_unique<EmbeddedStream>(EmbeddedStreamOptions{.path = path_, .segment_bytes = kSegmentBytes});
  }
  /// `count` records of some kilobyte each that do not pack, from `first` on.
  static contract::Records Large(int first, int count) {
    contract::Records records;
    for (int n = first; n < first + count; ++n) {
      std::string text = std::to_string(n) + ' ';
      for (uint32_t x = static_cast<uint32_t>(n) + 1; text.size() < 2'000; x = x * 1664525 + 1013904223) {
        text += static_cast<char>('!' + (x >> 24) % 90);
      }
      records.push_back(text);
    }
    return records;
  }
  std::vector<fs::path> Segments() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_)) files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
  }
  uintmax_t SegmentBytes() const {
    const auto files = Segments();
    return std::accumulate(files.begin(), files.end(), uintmax_t{0},
                           [](uintmax_t sum, const fs::path& file) { return sum + fs::file_size(file); });
  }

  judge::Folder dir_;
  const fs::path path_ = dir_.File("stream.db");
  const fs::path folder_ = dir_.File("stream.segments");
};

TEST_F(JournalTest, WhatThePowerTookOfTheDatabaseIsReadFromTheJournal) {
  {
    auto stream = Open();
    stream->EnsureTopic({.name = "t", .partitions = 2});
    stream->Append({"t", MakeBatch(Numbered(0, 10), contract::Records(10, "a")), FromTo(0, 10), {}});
  }
  const auto before = dir_.File("before.db");
  fs::copy_file(path_, before);
  {
    auto stream = Open();
    for (int i = 1; i < 60; ++i) {
      stream->Append({"t", MakeBatch(Large(i * 10, 10), contract::Records(10, "a")), FromTo(i * 10, i * 10 + 10), {}});
    }
    stream->Append({"t", MakeBatch({"once"}, {"a"}), {}, "key"});
  }
  ASSERT_GT(Segments().size(), 3U);
  fs::copy_file(before, path_, fs::copy_options::overwrite_existing);

  auto stream = Open();
  EXPECT_EQ(stream->ProducerPositions("driver").begin()->second, event::Cursor("600"));
  EXPECT_EQ(stream->Append({"t", MakeBatch({"once"}, {"a"}), {}, "key"}), event::AppendOutcome::kDuplicate);
  EXPECT_EQ(stream->Append({"t", MakeBatch({"fenced"}), FromTo(10, 20), {}}), event::AppendOutcome::kFenced);
  stream->Append({"t", MakeBatch({"after"}, {"a"}), {}, {}});
  auto expected = Numbered(0, 10);
  for (const auto& record : Large(10, 590)) expected.push_back(record);
  expected.insert(expected.end(), {"once", "after"});
  const auto drained = Drain(*stream->OpenReader("t", ""), expected.size());
  ASSERT_EQ(drained.by_partition.size(), 1U);
  EXPECT_EQ(drained.by_partition.begin()->second, expected);
}

TEST_F(JournalTest, ATornEndIsNotAnEntry) {
  const auto topic_only = dir_.File("topic.db");
  { Open()->EnsureTopic({.name = "t"}); }
  fs::copy_file(path_, topic_only);
  {
    auto stream = Open();
    stream->Append({"t", MakeBatch(Large(0, 4)), {}, {}});
    stream->Append({"t", MakeBatch(Large(4, 4)), {}, {}});
  }
  fs::copy_file(topic_only, path_, fs::copy_options::overwrite_existing);
  const auto file = Segments().front().string();
  auto bytes = judge::Slurp(file);
  const auto second = bytes.rfind("MRJ1");
  ASSERT_NE(second, 0U);
  bytes[second + 3'000] ^= 1;  // in its payload: the sync never came
  judge::Spill(file, bytes);

  auto stream = Open();
  EXPECT_EQ(stream->FindTopic("t")->partitions[0].next_offset, 4);
  stream->Append({"t", MakeBatch({"instead"}), {}, {}});
  auto expected = Large(0, 4);
  expected.emplace_back("instead");
  EXPECT_EQ(Drain(*stream->OpenReader("t", ""), 5).by_partition.at(0), expected);
}

TEST_F(JournalTest, SegmentsOfAnotherStreamAreRefused) {
  {
    auto stream = Open();
    stream->EnsureTopic({.name = "t"});
    stream->Append({"t", MakeBatch({"a"}), {}, {}});
  }
  fs::remove(path_);
  EXPECT_THAT(StopOf([&] { Open(); }), AllOf(HasSubstr("stream.segments"), HasSubstr("another stream.db")));
}

TEST_F(JournalTest, MissingSegmentsStopWithTheirName) {
  {
    auto stream = Open();
    stream->EnsureTopic({.name = "t"});
    stream->Append({"t", MakeBatch(Large(0, 4)), {}, {}});
  }
  fs::remove(Segments().front());
  auto stream = Open();
  auto reader = stream->OpenReader("t", "");
  EXPECT_THAT(StopOf([&] { reader->Read({}, {}); }),
              AllOf(HasSubstr("topic t partition 0 offset 0"), HasSubstr("0000000001.seg")));
  EXPECT_THAT(StopOf([&] {
                stream->Append({"t", MakeBatch({"b"}), {}, {}});
              }),
              AllOf(HasSubstr("0000000001.seg"), HasSubstr("restore")));
}

TEST_F(JournalTest, RetentionGivesSegmentsBack) {
  auto stream = Open();
  stream->EnsureTopic({.name = "t", .retention_bytes = 100'000});
  for (int i = 0; i < 50; ++i) stream->Append({"t", MakeBatch(Large(i * 10, 10)), {}, {}});
  const auto held = SegmentBytes();
  EXPECT_GT(held, 900'000U);
  stream->EnforceRetention(Clock::System().Now());
  EXPECT_LT(SegmentBytes(), 300'000U);
  const auto partition = stream->FindTopic("t")->partitions[0];
  EXPECT_EQ(Drain(*stream->OpenReader("t", ""), static_cast<size_t>(partition.next_offset - partition.first_offset))
                .by_partition.at(0)
                .back(),
            Large(499, 1).front());
}

TEST_F(JournalTest, ATopicThatKeepsLittleDoesNotHoldTheSegmentsOfOthers) {
  auto stream = Open();
  stream->EnsureTopic({.name = "kept"});
  stream->EnsureTopic({.name = "passing", .retention_bytes = 50'000});
  for (int i = 0; i < 60; ++i) {
    stream->Append({"kept", MakeBatch({"kept " + std::to_string(i)}), {}, {}});
    stream->Append({"passing", MakeBatch(Large(i * 10, 10)), {}, {}});
  }
  auto slow = stream->OpenReader("kept", "");  // has looked at nothing yet
  EXPECT_GT(SegmentBytes(), 1'000'000U);
  stream->EnforceRetention(Clock::System().Now());
  EXPECT_LT(SegmentBytes(), 300'000U);
  contract::Records expected;
  for (int i = 0; i < 60; ++i) expected.push_back("kept " + std::to_string(i));
  EXPECT_EQ(Drain(*slow, 60).by_partition.at(0), expected);
  stream.reset();
  stream = Open();
  EXPECT_EQ(Drain(*stream->OpenReader("kept", ""), 60).by_partition.at(0), expected);
}

TEST_F(JournalTest, AStreamOfVersionOneGoesOn) {
  {
    Connection connection(path_, "");
    connection.Execute(judge::Slurp(std::string(MILLRACE_SOURCE_DIR) + "/tests/stream/version_1.sql"));
  }
  auto stream = Open();
  EXPECT_EQ(stream->ProducerPositions("driver").begin()->second, event::Cursor("413"));
  EXPECT_EQ(stream->Append({"t", MakeBatch({"again"}), {}, "first"}), event::AppendOutcome::kDuplicate);
  stream->Append({"t", MakeBatch({"by version two"}), {}, {}});
  contract::Records expected;
  for (int n = 0; n < 413; ++n) expected.push_back("{\"n\":" + std::to_string(n) + ",\"kept\":\"by version one\"}");
  expected.emplace_back("by version two");
  EXPECT_EQ(Drain(*stream->OpenReader("t", ""), expected.size()).by_partition.at(0), expected);
  stream->EnsureTopic({.name = "t", .retention_bytes = 0});
  EXPECT_GT(stream->EnforceRetention(Clock::System().Now()), 2'522);  // the payloads of version one and of the last
  EXPECT_EQ(stream->FindTopic("t")->partitions[0].bytes, 0);
}

TEST(JournalEntryTest, ComesBackAsItWasAndKnowsItsDamage) {
  JournalMeta meta;
  BatchNumbers numbers;
  numbers.count = 3;
  numbers.time_min = Timestamp(std::chrono::microseconds(-5));
  numbers.records_bytes = 20;
  numbers.body_bytes = 30;
  numbers.codec = Codec::kLz4;
  meta.rows = {{PlaceOf(7, 42), numbers, 0xDEADBEEF, 11}, {PlaceOf(8, 0), numbers, 1, 0}};
  meta.positions = {{"driver", "file:a", "17"}, {"driver", "file:b", ""}};
  meta.keys = {{3, "key\n", -1}};
  JournalHeader header{.stream = ~uint64_t{0}, .sequence = 9, .chain = 0xFFFFFFFF, .moved = true};
  const auto bytes = EncodeEntry(meta, header);
  const auto head = DecodeHeader(bytes).value();
  EXPECT_EQ(head.entry_bytes(), bytes.size() + 11);
  EXPECT_EQ(std::tuple(head.stream, head.sequence, head.chain, head.moved),
            std::tuple(~uint64_t{0}, uint64_t{9}, 0xFFFFFFFFU, true));
  const std::string_view rest = std::string_view(bytes).substr(JournalHeader::kBytes);
  const auto read = DecodeMeta(head, bytes, rest);
  ASSERT_EQ(read.rows.size(), 2U);
  EXPECT_EQ(read.rows[0].place, PlaceOf(7, 42));
  EXPECT_EQ(read.rows[0].numbers.time_min, numbers.time_min);
  EXPECT_EQ(read.rows[0].checksum, 0xDEADBEEF);
  EXPECT_EQ(read.positions[1].split, "file:b");
  EXPECT_EQ(read.keys[0].key, "key\n");
  for (size_t at = 8; at < bytes.size(); ++at) {
    auto damaged = bytes;
    damaged[at] ^= 0x10;
    const auto damaged_head = DecodeHeader(damaged);
    if (!damaged_head) continue;
    const auto damaged_rest = std::string_view(damaged).substr(JournalHeader::kBytes);
    EXPECT_THROW(DecodeMeta(*damaged_head, damaged, damaged_rest), Error) << at;
  }
}

}  // namespace
}  // namespace millrace::stream
