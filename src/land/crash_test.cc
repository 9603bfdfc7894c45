// A table sink that is killed at every fault point in turn, and then run again. The child is this program itself,
// started anew with MILLRACE_FAULT set; what the lake holds afterwards is judged by tests/land/check_crashes.py.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "contract/sink_contract.h"
#include "land/crash_child.h"
#include "land/lake.h"
#include "land/plain_decoder.h"
#include "land/table_sink.h"

namespace millrace::land {
namespace {

constexpr int64_t kRecords = 60;
constexpr int64_t kBatch = 7;  // cuts across the commits, differently after each crash

/// Every tenth is broken, every fifteenth repeats an earlier key; from 30 on there is one column more.
std::string Line(int64_t i) {
  if (i % 10 == 3) return "{broken " + std::to_string(i);
  const int64_t id = i % 15 == 14 ? i - 14 : i;
  const std::string more = i >= 30 ? R"(, "late": "l)" + std::to_string(i) + "\"" : "";
  return R"({"id": )" + std::to_string(id) + R"(, "record": )" + std::to_string(i) + more + "}";
}

/// The program under test: reads on from what has landed, to the end.
void LandEverything(const std::filesystem::path& folder) {
  testing::Lake lake(folder);
  ByteBudget budget(int64_t{16} << 20);
  TableSinkOptions options;
  options.table.name = {"silver", "events"};
  options.scope = "pipe";
  options.decoder = [] { return std::make_unique<testing::PlainDecoder>(); };
  options.lanes = 2;
  options.key = {"id"};
  options.key_index_folder = folder / "keys";
  TableSink sink(*lake.catalog, options, budget);
  testing::LandOn(sink, {.records = kRecords, .batch = kBatch, .commit_every = 3, .line = Line});
}

/// Not a test: what the crash test below runs in a process of its own. A second time finds nothing left to do.
TEST(CrashChild, DISABLED_LandsEverything) {
  for (int time = 0; time < 2; ++time) LandEverything(std::getenv("MILLRACE_LAND_FOLDER"));
}

TEST(TableSinkCrash, EveryRecordOnceWhereverItDies) {
  const testing::TempFolder folder;
  const auto folders = testing::KillEverywhere(
      "CrashChild.*", folder.path(),
      {"land.before_commit", "land.after_commit", "land.before_data_file_finish", "quarantine.before_commit",
       "quarantine.after_commit", "key_index.before_rename", "land.before_key_index", "land.after_key_index"});
  const auto verdict = testing::Judge("check_crashes.py", folders);
  EXPECT_EQ(verdict.status, 0) << verdict.said;
}

}  // namespace
}  // namespace millrace::land
