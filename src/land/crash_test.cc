// A table sink that is killed at every fault point in turn, and then run again. The child is this program itself,
// started anew with MILLRACE_FAULT set; what the lake holds afterwards is judged by tests/land/check_crashes.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/fault.h"
#include "contract/sink_contract.h"
#include "land/lake.h"
#include "land/plain_decoder.h"
#include "land/table_sink.h"
#include "long_tests.h"

extern char** environ;

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
  const event::SplitId split("topic:t/0");
  const auto positions = sink.Recover();
  int64_t at = positions.contains(split) ? event::OffsetOf(positions.at(split)) : 0;
  for (int batches = 1; at < kRecords; ++batches) {
    std::vector<std::string> lines;
    for (int64_t i = at; i < std::min(at + kBatch, kRecords); ++i) lines.push_back(Line(i));
    sink.Write(event::BatchOf(lines, at));
    at += static_cast<int64_t>(lines.size());
    if (batches % 3 == 0) sink.Commit({});
  }
  sink.Commit({});
}

/// Not a test: what the crash test below runs in a process of its own. A second time finds nothing left to do.
TEST(CrashChild, DISABLED_LandsEverything) {
  for (int time = 0; time < 2; ++time) LandEverything(std::getenv("MILLRACE_LAND_FOLDER"));
}

/// Which passes of a fault point kill: the first ones, where commits follow each other closely, and some later.
std::vector<int> PassesThatKill() {
  if (LongTests()) return {1, 2, 3, 4, 5, 6, 12, 24};
  return {1, 2, 5, 17};
}

int RunChild(const std::filesystem::path& folder, const std::string& fault, const std::string& log) {
  std::vector<std::string> settings = {"MILLRACE_LAND_FOLDER=" + folder.string()};
  if (!fault.empty()) settings.push_back("MILLRACE_FAULT=" + fault);
  if (!log.empty()) settings.push_back("MILLRACE_FAULT_LOG=" + log);
  std::vector<char*> environment;
  for (auto& setting : settings) environment.push_back(setting.data());
  for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(*variable);
  environment.push_back(nullptr);
  std::string program = "/proc/self/exe";
  std::string filter = "--gtest_filter=CrashChild.*";
  std::string disabled = "--gtest_also_run_disabled_tests";
  std::string brief = "--gtest_brief=1";
  char* const arguments[] = {program.data(), filter.data(), disabled.data(), brief.data(), nullptr};
  pid_t child = 0;
  if (::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environment.data()) != 0) return -1;
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(TableSinkCrash, EveryRecordOnceWhereverItDies) {
  const testing::TempFolder folder;
  ASSERT_EQ(RunChild(folder.path() / "clean", "", folder / "points"), 0);
  std::set<std::string> points;
  std::ifstream log(folder / "points");
  for (std::string point; std::getline(log, point);) points.insert(point);
  for (const char* needed :
       {"land.before_commit", "land.after_commit", "land.before_data_file_finish", "quarantine.before_commit",
        "quarantine.after_commit", "key_index.before_rename", "land.before_key_index", "land.after_key_index"}) {
    EXPECT_THAT(points, ::testing::Contains(needed));
  }
  std::vector<std::string> folders = {(folder.path() / "clean").string()};
  for (const auto& point : points) {
    for (const int pass : PassesThatKill()) {
      const auto lake = folder.path() / (point + "-" + std::to_string(pass));
      const int died = RunChild(lake, point + ":" + std::to_string(pass), "");
      if (died == 0) {
        EXPECT_GT(pass, 1) << point << " is never passed";
        std::filesystem::remove_all(lake);
        break;
      }
      ASSERT_EQ(died, kFaultExitStatus) << point << ":" << pass;
      ASSERT_EQ(RunChild(lake, "", ""), 0) << "after " << point << ":" << pass;
      folders.push_back(lake.string());
    }
  }
  EXPECT_GT(folders.size(), points.size());
  const auto verdict = testing::Judge("check_crashes.py", folders);
  EXPECT_EQ(verdict.status, 0) << verdict.said;
}

}  // namespace
}  // namespace millrace::land
