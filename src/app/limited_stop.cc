#include "app/limited_stop.h"

#include <utility>

#include "base/clock.h"

namespace millrace::app {

LimitedStop::LimitedStop(std::stop_token other, std::optional<std::chrono::milliseconds> time)
    : with_other_(std::move(other), [this] { stop_.request_stop(); }) {
  if (!time) return;
  timer_ = std::jthread([this, time = *time](const std::stop_token& gone) {
    if (!Clock::System().SleepFor(time, gone) || stop_.stop_requested()) return;
    expired_ = true;
    stop_.request_stop();
  });
}

}  // namespace millrace::app
