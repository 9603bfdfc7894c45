#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/sqlite.h"
#include "refine/runner.h"

namespace millrace::refine {

/// Of the tables in state.db, which several parts of the program keep what they remember in.
inline constexpr int64_t kStateLayout = 1;

/// One run of a model, as it is remembered.
struct LoggedRun {
  std::string model;
  Timestamp began{};
  double seconds = 0;
  std::string outcome;  // built, nothing, failed, skipped
  std::string why;
  int64_t rows = 0;
  int64_t rows_dropped = 0;
  int64_t files = 0;
  int64_t bytes = 0;
  std::optional<int64_t> snapshot_id;
};

/// What became of the runs of models, in <data_dir>/state.db, for people: nothing depends on it. The newest
/// kRunsKept are kept; of runs that did nothing, one after another, only the last. One thread at a time.
class RunLog {
 public:
  static constexpr int64_t kRunsKept = 10'000;

  explicit RunLog(const std::filesystem::path& file);

  void Add(const RunReport& report);
  /// The newest first; of one model, or of all when the name is empty.
  std::vector<LoggedRun> Newest(const std::string& model, int64_t count);

 private:
  io::Connection connection_;
};

}  // namespace millrace::refine
