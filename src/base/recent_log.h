#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"

namespace millrace {

/// The newest lines of the log, for who looks at a process from outside. Holds kLinesMax lines of at most kLineBytesMax
/// each; what is longer is cut. Thread-safe.
class RecentLog {
 public:
  static constexpr size_t kLinesMax = 1000;
  static constexpr size_t kLineBytesMax = 2048;

  struct Line {
    int64_t number = 0;  // from 1 on, one more each line
    Timestamp at{};
    LogLevel level{};
    std::string text{};
  };

  void Add(LogLevel level, std::string_view text, Timestamp at);
  /// Those behind `number`, the oldest first; 0: all that are there.
  std::vector<Line> After(int64_t number) const;

  /// The one that LogLine fills.
  static RecentLog& Process();

 private:
  mutable std::mutex mutex_;
  std::deque<Line> lines_;
  int64_t last_ = 0;
};

std::string_view ToString(LogLevel level);

}  // namespace millrace
