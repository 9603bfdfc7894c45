#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/clock.h"
#include "base/duration.h"

namespace millrace::refine {

/// Asks to stop when a stop is requested or a time is over.
class Deadline {
 public:
  /// nullopt: there is no such time.
  Deadline(std::optional<Duration> time, const std::stop_token& stop);

  std::stop_token token() const { return source_.get_token(); }
  /// The time was over before this ended.
  bool passed() const { return passed_; }

 private:
  std::stop_source source_;
  std::atomic<bool> passed_ = false;
  std::stop_callback<std::function<void()>> forward_;
  std::jthread watch_;
};

}  // namespace millrace::refine
