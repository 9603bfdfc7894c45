#include "refine/deadline.h"

namespace millrace::refine {

Deadline::Deadline(std::optional<Duration> time, const std::stop_token& stop)
    : forward_(stop, [this] { source_.request_stop(); }) {
  if (!time) return;
  watch_ = std::jthread([this, time = *time](const std::stop_token& ended) {
    if (!Clock::System().SleepFor(time, ended)) return;
    passed_ = true;
    source_.request_stop();
  });
}

}  // namespace millrace::refine
