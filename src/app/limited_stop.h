#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <thread>

namespace millrace::app {

/// A stop that comes with another one, or when its time is up.
class LimitedStop {
 public:
  LimitedStop(std::stop_token other, std::optional<std::chrono::milliseconds> time);

  std::stop_token token() const { return stop_.get_token(); }
  /// The time was up before the other stop came.
  bool expired() const { return expired_; }

 private:
  std::atomic<bool> expired_ = false;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> with_other_;
  std::jthread timer_;
};

}  // namespace millrace::app
