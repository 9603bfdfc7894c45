#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"

namespace millrace::app {

/// One line on stderr that is drawn over while work goes on; nothing at all when stderr is no terminal. Thread-safe.
class Progress {
 public:
  explicit Progress(std::string what, const Clock& clock = Clock::System());
  /// Wipes the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Draws at most ten times a second. `share` is how much is done, in [0, 1], where that is known.
  void Show(int64_t events, std::optional<double> share);

 private:
  std::string what_;
  const Clock& clock_;
  const bool visible_;
  const SteadyTime started_;
  std::mutex mutex_;
  SteadyTime drawn_{};
};

}  // namespace millrace::app
