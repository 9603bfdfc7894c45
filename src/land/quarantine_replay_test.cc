#include "land/quarantine_replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "contract/sink_contract.h"
#include "land/committer.h"
#include "land/lake.h"
#include "land/plain_decoder.h"
#include "land/position_deletes.h"
#include "land/quarantine.h"
#include "land/remaining_rows.h"
#include "land/replay_note.h"
#include "land/table_sink.h"

namespace millrace::land {
namespace {

using event::BatchOf;
using event::CommitOutcome;
using event::RecordOf;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Lake;
using testing::ReadTable;
using ::testing::SizeIs;
using testing::TempFolder;

constexpr const char* kBroken = "{broken ";

/// The decoder after the fix: "{broken 7" is the record 7.
class MendedDecoder final : public event::Decoder {
 public:
  event::Decoded Decode(const event::EventBatch& events) override {
    std::vector<std::string> lines;
    for (size_t i = 0; i < events.size(); ++i) {
      const std::string text(events.record(i));
      const bool broken = text.starts_with(kBroken);
      lines.push_back(broken ? RecordOf(std::stoll(text.substr(std::strlen(kBroken)))) : text);
    }
    return plain_.Decode(*BatchOf(lines, 0));
  }
  std::shared_ptr<arrow::Schema> schema() const override { return plain_.schema(); }
  void Adopt(std::shared_ptr<arrow::Schema> schema) override { plain_.Adopt(std::move(schema)); }

 private:
  testing::PlainDecoder plain_;
};

class QuarantineReplayTest : public ::testing::Test {
 protected:
  std::unique_ptr<TableSink> Sink(const std::string& scope, bool mended, std::shared_ptr<Rejects> rejects = nullptr) {
    TableSinkOptions options;
    options.table.name = kTarget;
    options.scope = scope;
    options.decoder = [mended]() -> std::unique_ptr<event::Decoder> {
      if (mended) return std::make_unique<MendedDecoder>();
      return std::make_unique<testing::PlainDecoder>();
    };
    options.lanes = 2;
    options.key = key_;
    options.key_index_folder = folder_.path() / ("keys-" + scope);
    options.metadata_columns.origin = metadata_columns_;
    options.rejects = std::move(rejects);
    return std::make_unique<TableSink>(*lake_.catalog, options, budget_);
  }
  /// Records 0 to 9, of which 3, 5 and 8 are broken and 9 is beyond help.
  void Land() {
    std::vector<std::string> lines;
    for (int64_t i = 0; i < 10; ++i) {
      const bool broken = i == 3 || i == 5 || i == 8;
      lines.push_back(broken ? kBroken + std::to_string(i) : i == 9 ? "{hopeless" : RecordOf(i));
    }
    auto batch = std::make_shared<event::EventBatch>(*BatchOf(lines, 0));
    for (int64_t i = 0; i < 10; ++i) batch->timestamps.push_back(Timestamp(std::chrono::seconds(1'000'000 + i)));
    const auto sink = Sink("pipe", false);
    sink->Recover();
    sink->Write(batch);
    ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  }
  QuarantineReplayOptions Options(std::set<std::string> causes = {}) {
    return {.target = kTarget, .scope = "pipe", .causes = std::move(causes), .chunk_records = chunk_records_};
  }
  std::map<std::string, ReplayCounts> Run(std::set<std::string> causes = {}, bool mended = true) {
    QuarantineReplay replay(*lake_.catalog, Options(std::move(causes)), budget_);
    const auto sink = Sink(replay.sink_scope(), mended, replay.rejects());
    return replay.Run(*sink, {});
  }

  std::vector<json> Ids() { return ReadTable(folder_.path(), "silver.events", {"id"}); }
  /// [offset, cause, whether it was replayed]
  std::vector<json> Kept() {
    auto rows = ReadTable(folder_.path(), "quarantine.silver_events", {"offset", "cause", "replayed_at"});
    for (auto& row : rows) row[2] = !row[2].is_null();
    return rows;
  }
  std::vector<std::string> Notes() {
    std::vector<std::string> keys;
    lake_.store->List("quarantine/silver_events/replays/", "", [&](const io::ObjectInfo& object) {
      keys.push_back(object.key);
      return true;
    });
    return keys;
  }

  const catalog::TableName kTarget{"silver", "events"};
  TempFolder folder_;
  Lake lake_{folder_.path()};
  ByteBudget budget_{int64_t{64} << 20};
  std::vector<std::string> key_;
  bool metadata_columns_ = false;
  int64_t chunk_records_ = 200'000;
};

TEST_F(QuarantineReplayTest, WhatWasMendedLandsAndTheRestStays) {
  Land();
  const auto positions = ReadPositions(*lake_.catalog->Load(kTarget)->metadata, "pipe").positions;
  const auto counts = Run();
  ASSERT_THAT(counts, SizeIs(1));
  EXPECT_EQ(counts.at("malformed").records, 4U);
  EXPECT_EQ(counts.at("malformed").landed, 3U);
  EXPECT_THAT(counts.at("malformed").failed, ElementsAre(std::pair<const std::string, uint64_t>("malformed", 1)));
  EXPECT_THAT(Ids(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_THAT(Kept(), ElementsAre(json({3, "malformed", true}), json({5, "malformed", true}),
                                  json({8, "malformed", true}), json({9, "malformed", false})));
  EXPECT_EQ(ReadPositions(*lake_.catalog->Load(kTarget)->metadata, "pipe").positions, positions);
  EXPECT_THAT(Notes(), IsEmpty());
}

TEST_F(QuarantineReplayTest, ASecondTimeTakesOnlyWhatIsLeft) {
  Land();
  Run();
  const auto counts = Run();
  EXPECT_EQ(counts.at("malformed").records, 1U);
  EXPECT_EQ(counts.at("malformed").landed, 0U);
  EXPECT_THAT(Ids(), SizeIs(9));
  EXPECT_THAT(Kept(), SizeIs(4));
}

TEST_F(QuarantineReplayTest, ManySmallChunksAreOneReplay) {
  Land();
  chunk_records_ = 1;
  const auto counts = Run();
  EXPECT_EQ(counts.at("malformed").landed, 3U);
  EXPECT_THAT(Ids(), SizeIs(9));
  EXPECT_THAT(Notes(), IsEmpty());
}

TEST_F(QuarantineReplayTest, ARecordComesWithWhatItCameWith) {
  metadata_columns_ = true;
  Land();
  Run();
  const auto rows =
      ReadTable(folder_.path(), "silver.events", {"id", "_topic", "_partition", "_offset", "_event_time"});
  EXPECT_THAT(rows, ::testing::Contains(json({5, "t", 0, 5, "1970-01-12 13:46:45+00:00"})));
}

TEST_F(QuarantineReplayTest, ADuplicateIsNoRowAndIsDone) {
  key_ = {"id"};
  Land();
  {
    const auto other = Sink("another", false);
    other->Recover();
    other->Write(BatchOf({RecordOf(5)}, 0, "topic:u/0"));
    ASSERT_EQ(other->Commit({}), CommitOutcome::kCommitted);
  }
  const auto counts = Run();
  EXPECT_EQ(counts.at("malformed").landed, 3U);
  EXPECT_THAT(Ids(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
}

TEST_F(QuarantineReplayTest, OnlyTheCausesThatAreMeantAreTaken) {
  Land();
  EXPECT_THAT(Run({"contract"}), IsEmpty());
  EXPECT_THAT(Ids(), SizeIs(6));
  EXPECT_EQ(Run({"malformed", "contract"}).at("malformed").landed, 3U);
}

TEST_F(QuarantineReplayTest, WhatFailsForAnotherReasonSaysSo) {
  key_ = {"id"};
  const auto sink = Sink("pipe", false);
  sink->Recover();
  sink->Write(BatchOf({RecordOf(0), R"({"name": "x"})", "{hopeless"}, 0));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  key_.clear();
  auto counts = Run({}, false);
  EXPECT_EQ(counts.at("missing_key").landed, 1U) << "there is no key any more";
  key_ = {"id"};
  counts = Run();
  EXPECT_EQ(counts.at("malformed").failed.at("malformed"), 1U);
}

TEST_F(QuarantineReplayTest, WhatOthersDeletedFromQuarantineStaysDeleted) {
  Land();
  const catalog::TableName name = QuarantineTableOf(kTarget);
  const auto quarantine = lake_.catalog->Load(name);
  ASSERT_TRUE(quarantine);
  const SnapshotFiles files(*lake_.store, quarantine->metadata);
  ASSERT_THAT(files.data(), SizeIs(1));
  // The rows of the records 3, 5, 8 and 9: somebody takes 5 away.
  PositionDeletes deletes;
  deletes.Add(files.data()[0].file, 1);
  table::SnapshotChange change;
  change.operation = "delete";
  change.added = deletes.Write(*lake_.store, *quarantine->metadata, "others", PositionDeletes::Granularity::kDataFile);
  Committer(*lake_.catalog, name, quarantine->metadata->table_uuid).Commit(std::move(change), std::nullopt, {});
  EXPECT_THAT(Kept(), SizeIs(3));
  const auto counts = Run();
  EXPECT_EQ(counts.at("malformed").landed, 2U);
  EXPECT_THAT(Ids(), ElementsAre(0, 1, 2, 3, 4, 6, 7, 8));
  EXPECT_THAT(Kept(),
              ElementsAre(json({3, "malformed", true}), json({8, "malformed", true}), json({9, "malformed", false})));
}

TEST_F(QuarantineReplayTest, NothingInQuarantineIsNothingToDo) {
  EXPECT_THAT(Run(), IsEmpty());
  const auto sink = Sink("pipe", false);
  sink->Recover();
  sink->Write(event::Ids(0, 3));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  const auto at = lake_.catalog->Load(kTarget)->metadata_location;
  EXPECT_THAT(Run(), IsEmpty());
  EXPECT_EQ(lake_.catalog->Load(kTarget)->metadata_location, at);
}

TEST_F(QuarantineReplayTest, OfTwoAtOnceEachRecordLandsOnce) {
  Land();
  chunk_records_ = 1;
  QuarantineReplay slow(*lake_.catalog, Options(), budget_);
  const auto slow_sink = Sink(slow.sink_scope(), true, slow.rejects());
  ASSERT_TRUE(slow.Settle({}));
  Run();
  slow.Run(*slow_sink, {});
  EXPECT_THAT(Ids(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(ReplayNote, IsReadAsItWasWritten) {
  ReplayNote note{.chunk = "6f", .after = event::Cursor("5e"), .landed = {}, .failed = {}};
  note.landed = {{"pipe", event::SplitId("topic:t/0"), 3}, {"pipe", event::SplitId("topic:t/1"), 5}};
  note.failed[{"other", event::SplitId("file:x"), int64_t{1} << 40}] = {.cause = "contract",
                                                                        .detail = "\"at\" is no time"};
  EXPECT_EQ(ParseReplayNote(PrintReplayNote(note), "it"), note);
  for (const char* text : {"", "{}", R"({"version":2})", R"({"version":1,"chunk":"c","after":"","landed":[1]})"}) {
    EXPECT_THROW(ParseReplayNote(text, "it"), Error) << text;
  }
}

}  // namespace
}  // namespace millrace::land
