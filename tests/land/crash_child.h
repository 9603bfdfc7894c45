#pragma once

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/fault.h"
#include "contract/event_batches.h"
#include "land/table_sink.h"
#include "long_tests.h"

extern char** environ;

/// A program that is killed at every fault point in turn, and then run again: a disabled test of the same binary, which
/// reads its folder from MILLRACE_LAND_FOLDER and does its work twice, so that the second time finds nothing to do.
namespace millrace::testing {

/// Which passes of a fault point kill: the first ones, where commits follow each other closely, and some later.
inline std::vector<int> PassesThatKill() {
  if (LongTests()) return {1, 2, 3, 4, 5, 6, 12, 24};
  return {1, 2, 5, 17};
}

inline int RunChild(const std::string& test, const std::filesystem::path& folder, const std::string& fault,
                    const std::string& log) {
  std::vector<std::string> settings = {"MILLRACE_LAND_FOLDER=" + folder.string()};
  if (!fault.empty()) settings.push_back("MILLRACE_FAULT=" + fault);
  if (!log.empty()) settings.push_back("MILLRACE_FAULT_LOG=" + log);
  std::vector<char*> environment;
  for (auto& setting : settings) environment.push_back(setting.data());
  for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(*variable);
  environment.push_back(nullptr);
  std::string program = "/proc/self/exe";
  std::string filter = "--gtest_filter=" + test;
  std::string disabled = "--gtest_also_run_disabled_tests";
  std::string brief = "--gtest_brief=1";
  char* const arguments[] = {program.data(), filter.data(), disabled.data(), brief.data(), nullptr};
  pid_t child = 0;
  if (::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environment.data()) != 0) return -1;
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Runs the child undisturbed, then once for each fault point that it passed, killed there and run again. Every point
/// of `needed` must have been passed. Gives the folders that came of it.
inline std::vector<std::string> KillEverywhere(const std::string& test, const std::filesystem::path& folder,
                                               const std::vector<std::string>& needed) {
  EXPECT_EQ(RunChild(test, folder / "clean", "", (folder / "points").string()), 0);
  std::set<std::string> points;
  std::ifstream log(folder / "points");
  for (std::string point; std::getline(log, point);) points.insert(point);
  for (const auto& point : needed) EXPECT_TRUE(points.contains(point)) << point << " is never passed";
  std::vector<std::string> folders = {(folder / "clean").string()};
  for (const auto& point : points) {
    for (const int pass : PassesThatKill()) {
      const auto lake = folder / (point + "-" + std::to_string(pass));
      const int died = RunChild(test, lake, point + ":" + std::to_string(pass), "");
      if (died == 0) {
        EXPECT_GT(pass, 1) << point << " is never passed";
        std::filesystem::remove_all(lake);
        break;
      }
      EXPECT_EQ(died, kFaultExitStatus) << point << ":" << pass;
      EXPECT_EQ(RunChild(test, lake, "", ""), 0) << "after " << point << ":" << pass;
      folders.push_back(lake.string());
    }
  }
  EXPECT_GT(folders.size(), points.size());
  return folders;
}

/// The program under test: reads on from what has landed to the end, in batches, and commits every few of them.
struct CrashRun {
  int64_t records;
  int64_t batch;
  int commit_every;
  std::string (*line)(int64_t);
};
inline void LandOn(land::TableSink& sink, const CrashRun& run) {
  const event::SplitId split("topic:t/0");
  const auto positions = sink.Recover();
  int64_t at = positions.contains(split) ? event::OffsetOf(positions.at(split)) : 0;
  for (int batches = 1; at < run.records; ++batches) {
    std::vector<std::string> lines;
    for (int64_t i = at; i < std::min(at + run.batch, run.records); ++i) lines.push_back(run.line(i));
    sink.Write(event::BatchOf(lines, at));
    at += static_cast<int64_t>(lines.size());
    if (batches % run.commit_every == 0) sink.Commit({});
  }
  sink.Commit({});
}

}  // namespace millrace::testing
