#include "io/outage_patience.h"

#include <algorithm>
#include <utility>

namespace millrace::io {
namespace {

constexpr std::chrono::milliseconds kFirstDelay{1000};
constexpr std::chrono::milliseconds kLongestDelay{10'000};
constexpr int kDoublingsMax = 4;

thread_local OutagePatience* innermost = nullptr;

}  // namespace

OutagePatience::OutagePatience(std::stop_token stop, Watcher watcher, const Clock& clock)
    : stop_(std::move(stop)), watcher_(std::move(watcher)), clock_(clock), outer_(std::exchange(innermost, this)) {}

OutagePatience::~OutagePatience() { innermost = outer_; }

bool OutagePatience::Wait(const std::string& why, int waits) {
  if (innermost == nullptr || !innermost->watcher_.on_wait || innermost->stop_.stop_requested()) return false;
  const auto delay = std::min(kFirstDelay * (1 << std::min(waits, kDoublingsMax)), kLongestDelay);
  innermost->watcher_.on_wait(why, delay);
  return innermost->clock_.SleepFor(delay, innermost->stop_);
}

void OutagePatience::End() {
  if (innermost != nullptr && innermost->watcher_.on_end) innermost->watcher_.on_end();
}

std::stop_token OutagePatience::Stop() { return innermost == nullptr ? std::stop_token() : innermost->stop_; }

bool OutagePatience::Sleep(std::chrono::milliseconds duration) { return Clock::System().SleepFor(duration, Stop()); }

}  // namespace millrace::io
