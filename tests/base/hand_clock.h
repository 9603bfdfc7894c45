#pragma once

#include <atomic>
#include <chrono>
#include <stop_token>

#include "base/clock.h"

namespace millrace {

/// Time that moves when a test says so, or when somebody sleeps: who sleeps is back at once.
class HandClock final : public Clock {
 public:
  Timestamp Now() const override {
    return Timestamp(std::chrono::seconds(1'700'000'000)) +
           std::chrono::duration_cast<std::chrono::microseconds>(passed_.load());
  }
  SteadyTime Steady() const override { return SteadyTime(passed_.load()); }
  bool SleepFor(std::chrono::nanoseconds duration, std::stop_token) const override {
    Pass(duration);
    return true;
  }
  void Pass(std::chrono::nanoseconds time) const { passed_ = passed_.load() + time; }

 private:
  mutable std::atomic<std::chrono::nanoseconds> passed_{std::chrono::nanoseconds(0)};
};

}  // namespace millrace
