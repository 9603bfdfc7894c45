#include "app/connector_events.h"

#include <fmt/ranges.h>

#include "base/log.h"

namespace millrace::app {

void ConnectorFailed::Emit() const {
  Metrics::Process().Add(kConnectorFailures, {connector});
  if (task < 0) {
    LogWarning("connector {} failed: {}", connector, why);
  } else {
    LogWarning("connector {}: task {} failed: {}", connector, task, why);
  }
}

void ConnectorWaits::Emit() const {
  LogWarning("connector {}: task {} is started again when its peer answers: {}", connector, task, why);
}

void ConnectorLacksTopics::Emit() const {
  LogWarning("connector {}: task {} waits for topics that are not there: {}; it begins when they are", connector, task,
             fmt::join(topics, ", "));
}

void ConnectorTurned::Emit() const {
  Metrics::Process().Add(kConnectorFailures, {connector}, 0);
  LogInfo("connector {}: {}", connector, what);
}

}  // namespace millrace::app
