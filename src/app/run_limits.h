#pragma once

#include <chrono>
#include <optional>

namespace millrace::app {

/// How a run comes to its end by itself; without any of these it goes on until it is stopped.
struct RunLimits {
  /// It ends when everything there is has landed and was refined.
  bool until_idle = false;
  /// Sources are read for this long and no longer. Goes with until_idle.
  std::optional<std::chrono::milliseconds> intake_time{};
  /// How long nothing more must come out of a topic, once its sources have ended, before that is believed.
  std::chrono::milliseconds settle{0};
};

}  // namespace millrace::app
