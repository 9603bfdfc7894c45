#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "land/judge.h"

namespace millrace::testing {

/// The lakes of a suite's tests and what their snapshots are to hold, judged by check_snapshots.py when all of the
/// tests have run: one Python for all of them.
class SnapshotsToJudge {
 public:
  /// `expected`: what check_snapshots.py reads, a list of snapshots with their rows.
  void Add(std::unique_ptr<TempFolder> lake, const nlohmann::json& expected) {
    std::ofstream(lake->path() / "expected.json") << expected.dump();
    lakes_.push_back(std::move(lake));
  }
  void Judge() {
    std::vector<std::string> paths;
    for (const auto& lake : lakes_) paths.push_back(lake->path().string());
    const auto verdict = testing::Judge("check_snapshots.py", paths);
    EXPECT_EQ(verdict.status, 0) << verdict.said;
    lakes_.clear();
  }

 private:
  std::vector<std::unique_ptr<TempFolder>> lakes_;
};

}  // namespace millrace::testing
