#include "source/http_poll/http_poll_events.h"

#include <string>

#include "base/log.h"

namespace millrace::source {

void PollAnswered::Emit() const {
  auto& metrics = Metrics::Process();
  metrics.Add(kPollRequests, {source, std::to_string(status)});
  metrics.Observe(kPollSeconds, {source}, seconds);
}

void PollRepeated::Emit() const {
  if (rows == 0) return;
  Metrics::Process().Add(kPollRepeated, {source}, static_cast<double>(rows));
}

void PollDelayed::Emit() const { LogWarning("source {}: {}; asking again in {:.1f} s", source, why, seconds); }

}  // namespace millrace::source
