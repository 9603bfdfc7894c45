#pragma once

#include <optional>
#include <string>
#include <vector>

namespace millrace::api {

/// What the process says of itself to whoever watches it. Implemented where everything is put together (`app`).
/// Thread-safe; each call answers within some seconds, whatever hangs.
class Observation {
 public:
  virtual ~Observation() = default;

  /// Prometheus text.
  virtual std::string MetricsText() = 0;
  /// Why the process does not work any more and should be started again; nullopt while it does.
  virtual std::optional<std::string> Stuck() = 0;
  /// Why it does not do its work at present, one sentence each; empty: it does.
  virtual std::vector<std::string> NotReady() = 0;
  /// A JSON object.
  virtual std::string StatusJson() = 0;
};

}  // namespace millrace::api
