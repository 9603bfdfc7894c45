#include "io/object_store_events.h"

#include <string>

#include "base/log.h"

namespace millrace::io {

void ObjectStoreAnswered::Emit() const {
  auto& metrics = Metrics::Process();
  const auto shown = status == 0 ? std::string("none") : std::to_string(status);
  metrics.Add(kObjectStoreRequests, {verb, shown});
  metrics.Observe(kObjectStoreSeconds, {verb}, seconds);
  metrics.Add(kObjectStoreRetries, {verb}, attempt > 1 ? 1 : 0);
  if (attempt > 1) LogDebug("object store: {} attempt {}: {} after {:.3f} s", verb, attempt, shown, seconds);
}

}  // namespace millrace::io
