// Random changes of rows by key, landed in random commits by several lanes with maintenance, restarts and lost indexes
// in between, against a map: after every commit our own queries hold what the map holds, and at the end so do
// pyiceberg, DuckDB's Iceberg reader, Spark and a walk by hand (tests/land/check_snapshots.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "base/random.h"
#include "contract/event_batches.h"
#include "land/lake.h"
#include "land/plain_decoder.h"
#include "land/table_sink.h"
#include "long_tests.h"
#include "query/engine.h"
#include "query/printer.h"
#include "refine/interrupted_catalog.h"
#include "refine/maintenance/maintainer.h"

namespace millrace::refine {
namespace {

using event::CommitOutcome;

const catalog::TableName kTable{"silver", "users"};

struct Row {
  std::string name;
  int64_t at = 0;
  friend bool operator==(const Row&, const Row&) = default;
};

/// A table, what it should hold, and everything that happens to it.
class World {
 public:
  World(uint64_t seed, land::UpsertMode mode) : random_(seed) {
    // Of format 3 from the beginning, or from some start on.
    if (seed % 2 == 1) options_.table.format_version = seed % 4 == 1 ? 3 : 2;
    upgrades_ = seed % 4 == 3;
    options_.table.name = kTable;
    options_.scope = "pipe";
    options_.decoder = [] { return std::make_unique<testing::PlainChangeDecoder>("id"); };
    options_.lanes = 1 + static_cast<int>(random_.Below(4));
    options_.key = {"id"};
    options_.upsert = {.mode = mode};
    options_.key_index_folder = folder_.path() / "keys";
    options_.spill_folder = folder_.path() / "spill";
    if (random_.Below(3) == 0) options_.table.sort_by = std::vector<std::string>{"name"};
    const std::vector<std::vector<std::string>> layouts = {{}, {"bucket(3, id)"}, {"truncate(1, name)"}, {"name"}};
    options_.table.partition_by = layouts[random_.Below(layouts.size())];
    switches_ = mode == land::UpsertMode::kEqualityDeletes;
    ordered_ = random_.Below(3) == 0 && !switches_;
    if (ordered_) options_.upsert->order_by = "moment";
    rules_.compaction.small_files_max = 2 + static_cast<int64_t>(random_.Below(4));
    rules_.compaction.cold_after = std::chrono::milliseconds(random_.Below(2) == 0 ? 0 : 600'000);
    rules_.compaction.delete_ratio = 0.1 + random_.Unit() * 0.4;
    rules_.expiry.snapshots_max = 1000;
    rules_.manifests_max = 5;
    Open();
  }

  void Step() {
    switch (random_.Below(12)) {
      case 0:
        if (upgrades_ && landed_offset_ > 100) options_.table.format_version = 3;
        if (switches_) {
          options_.upsert->mode =
              random_.Below(3) == 0 ? land::UpsertMode::kMergeOnRead : land::UpsertMode::kEqualityDeletes;
        }
        return Open();  // what was written and not committed comes again
      case 1:
        sink_.reset();
        std::filesystem::remove_all(folder_.path() / "keys");
        return Open();
      case 2:
        return Maintain();
      case 3:
        // Somebody lands while files are rewritten: their rows must not come back.
        interrupted_.before_commit = [this] { CommitNow(); };
        Maintain();
        interrupted_.before_commit = nullptr;
        return;
      case 4:
      case 5:
      case 6:
        return CommitNow();
      default:
        return Write();
    }
  }

  void Finish() {
    CommitNow();
    Maintain();
    Check();
    Remember();
    std::ofstream(folder_.path() / "expected.json") << nlohmann::json(expected_).dump();
  }

  std::string folder() const { return folder_.path().string(); }

 private:
  void Open() {
    sink_ = std::make_unique<land::TableSink>(*lake_.catalog, options_, budget_);
    sink_->Recover();
    pending_ = landed_;
    offset_ = landed_offset_;
  }

  void Write() {
    std::vector<std::string> lines;
    std::vector<std::string> keys;
    const auto count = 1 + random_.Below(40);
    for (uint64_t i = 0; i < count; ++i) {
      const auto id = static_cast<int64_t>(random_.Below(60));
      const bool deletes = random_.Below(4) == 0;
      const bool tombstone = deletes && random_.Below(2) == 0;
      keys.push_back(tombstone ? std::to_string(id) : "");
      if (tombstone) {
        lines.emplace_back();
        pending_.erase(id);
        continue;
      }
      if (deletes) {
        lines.push_back(R"({"id": )" + std::to_string(id) + R"(, "op": "d"})");
        pending_.erase(id);
        continue;
      }
      Row row{.name = std::string(1, static_cast<char>('a' + random_.Below(5))) + std::to_string(offset_),
              .at = static_cast<int64_t>(random_.Below(1000))};
      lines.push_back(R"({"id": )" + std::to_string(id) + R"(, "name": ")" + row.name + R"(", "moment": )" +
                      std::to_string(row.at) + "}");
      const auto known = pending_.find(id);
      if (ordered_ && known != pending_.end() && known->second.at > row.at) continue;
      pending_[id] = row;
    }
    auto batch = std::make_shared<event::EventBatch>(*event::BatchOf(lines, offset_));
    std::string payload;
    for (const auto& key : keys) {
      batch->keys.push_back({static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(key.size())});
      payload += key;
    }
    batch->key_payload = PaddedBuffer::CopyOf(payload);
    offset_ += static_cast<int64_t>(lines.size());
    sink_->Write(batch);
  }

  void CommitNow() {
    const auto outcome = sink_->Commit({});
    ASSERT_NE(outcome, CommitOutcome::kConflict);
    if (outcome != CommitOutcome::kCommitted) return;
    landed_ = pending_;
    landed_offset_ = offset_;
    Check();
    if (random_.Below(3) == 0) Remember();
  }

  void Maintain() {
    const auto report = maintainer_.Maintain(kTable, rules_, {});
    ASSERT_EQ(report.why_failed, "");
    dropped_ += report.compaction.rows_dropped;
    late_ += report.compaction.delete_files_added;
    merged_ += report.deletes.files_removed;
    if (lake_.catalog->Load(kTable)) Check();
  }

  void Check() {
    std::ostringstream out;
    query::Print(*engine_.Run("SELECT id, name, moment FROM silver.users ORDER BY id", {}, {}),
                 query::OutputFormat::kCsv, {}, out);
    std::string wanted = "id,name,moment\r\n";
    for (const auto& [id, row] : landed_) {
      wanted += std::to_string(id) + "," + row.name + "," + std::to_string(row.at) + "\r\n";
    }
    ASSERT_EQ(out.str(), wanted);
  }

  void Remember() {
    const auto table = lake_.catalog->Load(kTable);
    if (!table) return;
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& [id, row] : landed_) rows.push_back({id, row.name, row.at});
    expected_.push_back({{"table", "silver.users"},
                         {"snapshot", table->metadata->current_snapshot_id->value()},
                         {"columns", {"id", "name", "moment"}},
                         {"rows", rows},
                         {"said", "model"}});
  }

  Random random_;
  testing::TempFolder folder_;
  testing::Lake lake_{folder_.path()};
  InterruptedCatalog interrupted_{*lake_.catalog};
  ByteBudget budget_{int64_t{64} << 20};
  query::Engine engine_{*lake_.catalog, {.memory_bytes = int64_t{128} << 20, .threads = 1, .spill_directory = ""}};
  Maintainer maintainer_{interrupted_, budget_, folder_.path() / "maintenance"};
  MaintenanceRules rules_;
  land::TableSinkOptions options_;
  bool ordered_ = false;
  bool switches_ = false;  // deletes by value, and for a while by position
  bool upgrades_ = false;
  std::unique_ptr<land::TableSink> sink_;
  std::map<int64_t, Row> pending_;
  std::map<int64_t, Row> landed_;
  int64_t offset_ = 0;
  int64_t landed_offset_ = 0;
  std::vector<nlohmann::json> expected_;

 public:
  int64_t dropped_ = 0;
  int64_t late_ = 0;
  int64_t merged_ = 0;
};

TEST(UpsertModel, EveryReaderHoldsWhatTheMapHolds) {
  const int worlds = LongTests() ? 60 : 12;
  const int steps = LongTests() ? 120 : 45;
  std::vector<std::unique_ptr<World>> all;
  std::vector<std::string> arguments = {"--all-readers"};
  int64_t dropped = 0;
  int64_t late = 0;
  int64_t merged = 0;
  for (int i = 0; i < worlds && !::testing::Test::HasFatalFailure(); ++i) {
    SCOPED_TRACE("seed " + std::to_string(i));
    constexpr std::array kModes = {land::UpsertMode::kMergeOnRead, land::UpsertMode::kEqualityDeletes,
                                   land::UpsertMode::kCopyOnWrite};
    auto& world = all.emplace_back(std::make_unique<World>(i, kModes[static_cast<size_t>(i) % kModes.size()]));
    for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) world->Step();
    if (!::testing::Test::HasFatalFailure()) world->Finish();
    arguments.push_back(world->folder());
    dropped += world->dropped_;
    late += world->late_;
    merged += world->merged_;
  }
  if (::testing::Test::HasFatalFailure()) return;
  EXPECT_GT(dropped, 0) << "compaction never met a deleted row";
  EXPECT_GT(late, 0) << "nobody deleted a row while it was rewritten";
  EXPECT_GT(merged, 0) << "delete files were never merged";
  const auto verdict = testing::Judge("check_snapshots.py", arguments);
  EXPECT_EQ(verdict.status, 0) << verdict.said;
  EXPECT_THAT(verdict.said, ::testing::Not(::testing::HasSubstr("looked at: 0"))) << "no row was moved in format 3";
}

}  // namespace
}  // namespace millrace::refine
