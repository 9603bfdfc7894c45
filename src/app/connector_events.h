#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/metrics.h"

namespace millrace::app {

inline constexpr Metric kConnectorUp{MetricKind::kGauge,
                                     "millrace_connector_up",
                                     "1 while a connector and all its tasks do what they are to, else 0.",
                                     {"connector"}};
inline constexpr Metric kConnectorTasks{
    MetricKind::kGauge, "millrace_connector_tasks", "Tasks of a connector, by state.", {"connector", "state"}};
inline constexpr Metric kConnectorFailures{MetricKind::kCounter,
                                           "millrace_connector_failures_total",
                                           "Times that a connector or a task of it failed.",
                                           {"connector"}};

/// A connector, or a task of it, ended by an error.
struct ConnectorFailed {
  std::string_view connector;
  int task = -1;  // -1: the connector, before it had any
  std::string_view why;
  void Emit() const;
};

/// A task cannot reach a peer and is started again by itself.
struct ConnectorWaits {
  std::string_view connector;
  int task = 0;
  std::string_view why;
  void Emit() const;
};

/// Topics of a task are not there; it begins with them when they are.
struct ConnectorLacksTopics {
  std::string_view connector;
  int task = 0;
  const std::set<std::string>& topics;
  void Emit() const;
};

/// What a connector is to do changed.
struct ConnectorTurned {
  std::string_view connector;
  std::string_view what;  // "made", "running", "paused", "stopped", "deleted", "restarted", "changed"
  void Emit() const;
};

}  // namespace millrace::app
