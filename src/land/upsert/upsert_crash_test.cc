// A sink that upserts, killed at every fault point in turn with deletes under way, and then run again; what the lakes
// hold is judged by tests/land/check_snapshots.py.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "contract/event_batches.h"
#include "land/crash_child.h"
#include "land/lake.h"
#include "land/plain_decoder.h"
#include "land/table_sink.h"

namespace millrace::land {
namespace {

constexpr int64_t kRecords = 90;
constexpr int64_t kBatch = 8;
constexpr int64_t kKeys = 17;

bool Deletes(int64_t i) { return i % 7 == 5; }
int64_t KeyOf(int64_t i) { return i * 11 % kKeys; }

std::string Line(int64_t i) {
  const auto id = R"({"id": )" + std::to_string(KeyOf(i));
  return Deletes(i) ? id + R"(, "op": "d"})" : id + R"(, "name": "n)" + std::to_string(i) + "\"}";
}

/// The program under test: reads on from what has landed, to the end.
void LandEverything(const std::filesystem::path& folder, UpsertMode mode, int32_t format) {
  testing::Lake lake(folder);
  ByteBudget budget(int64_t{16} << 20);
  TableSinkOptions options;
  options.table.name = {"silver", "users"};
  options.table.partition_by = std::vector<std::string>{"bucket(2, name)"};
  options.scope = "pipe";
  options.decoder = [] { return std::make_unique<testing::PlainChangeDecoder>("id"); };
  options.lanes = 2;
  options.key = {"id"};
  options.upsert = {.mode = mode};
  options.table.format_version = format;
  options.key_index_folder = folder / "keys";
  TableSink sink(*lake.catalog, options, budget);
  // Deletes by value need no position unless a key changes in two batches of a chunk.
  const int commit_every = mode == UpsertMode::kEqualityDeletes ? 4 : 2;
  testing::LandOn(sink, {.records = kRecords, .batch = kBatch, .commit_every = commit_every, .line = Line});
}

void LandTwice(UpsertMode mode, int32_t format) {
  for (int time = 0; time < 2; ++time) LandEverything(std::getenv("MILLRACE_LAND_FOLDER"), mode, format);
}

TEST(UpsertCrashChild, DISABLED_MergesOnRead) { LandTwice(UpsertMode::kMergeOnRead, 2); }
TEST(UpsertCrashChild, DISABLED_CopiesOnWrite) { LandTwice(UpsertMode::kCopyOnWrite, 2); }
TEST(UpsertCrashChild, DISABLED_WritesVectors) { LandTwice(UpsertMode::kMergeOnRead, 3); }
TEST(UpsertCrashChild, DISABLED_DeletesByValue) { LandTwice(UpsertMode::kEqualityDeletes, 2); }

void Expect(const std::string& folder) {
  std::map<int64_t, std::string> rows;
  for (int64_t i = 0; i < kRecords; ++i) {
    if (Deletes(i)) {
      rows.erase(KeyOf(i));
    } else {
      rows[KeyOf(i)] = "n" + std::to_string(i);
    }
  }
  nlohmann::json wanted = nlohmann::json::array();
  for (const auto& [id, name] : rows) wanted.push_back({id, name});
  const nlohmann::json expected = {{{"table", "silver.users"},
                                    {"snapshot", nullptr},
                                    {"columns", {"id", "name"}},
                                    {"rows", wanted},
                                    {"said", "after a crash"}}};
  std::ofstream(std::filesystem::path(folder) / "expected.json") << expected.dump();
}

void EveryChangeOnceWhereverItDies(const std::string& child, std::vector<std::string> needed) {
  const testing::TempFolder folder;
  for (const auto* point :
       {"land.before_commit", "land.after_commit", "land.before_key_index", "land.after_key_index"}) {
    needed.emplace_back(point);
  }
  const auto folders = testing::KillEverywhere("UpsertCrashChild." + child, folder.path(), needed);
  for (const auto& lake : folders) Expect(lake);
  const auto verdict = testing::Judge("check_snapshots.py", folders);
  EXPECT_EQ(verdict.status, 0) << verdict.said;
}

TEST(UpsertCrash, MergeOnReadHasEveryChangeOnceWhereverItDies) {
  EveryChangeOnceWhereverItDies("DISABLED_MergesOnRead", {"key_index.before_rename", "land.before_position_deletes",
                                                          "land.after_position_deletes"});
}

TEST(UpsertCrash, VectorsHaveEveryChangeOnceWhereverItDies) {
  EveryChangeOnceWhereverItDies("DISABLED_WritesVectors", {"key_index.before_rename", "land.before_position_deletes",
                                                           "land.after_position_deletes"});
}

TEST(UpsertCrash, CopyOnWriteHasEveryChangeOnceWhereverItDies) {
  EveryChangeOnceWhereverItDies("DISABLED_CopiesOnWrite",
                                {"key_index.before_rename", "land.before_copy_on_write", "land.after_copy_on_write"});
}

TEST(UpsertCrash, EqualityDeletesHaveEveryChangeOnceWhereverItDies) {
  EveryChangeOnceWhereverItDies("DISABLED_DeletesByValue",
                                {"land.before_equality_deletes", "land.after_equality_deletes",
                                 "land.before_position_deletes", "land.after_position_deletes"});
}

}  // namespace
}  // namespace millrace::land
