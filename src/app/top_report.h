#pragma once

#include <deque>
#include <nlohmann/json.hpp>
#include <string>

#include "base/clock.h"

namespace millrace::app {

/// One look at a running pipeline, as its API answered.
struct TopSample {
  SteadyTime at{};
  nlohmann::ordered_json status;  // /api/v1/status
  nlohmann::ordered_json models;  // /api/v1/models; empty where there are none
  nlohmann::ordered_json runs;    // /api/v1/runs, newest first
};

/// What `millrace top` tells of the looks of the last minute. Rates are over the last five seconds, those of a table
/// over its `freshness` where that is longer: what lands in one commit came in over that time.
class TopReport {
 public:
  /// A look at another process than the one before forgets what was before.
  void Add(TopSample sample);
  /// Rates need two looks; until then they are null.
  bool empty() const { return samples_.empty(); }

  /// {"pipeline", "pid", "server", "at", "memory", "open_data_files", "in_per_second", "out_per_second", "tables",
  /// "sources", "models", "connectors"}, the last four arrays with one object a row. Lag and rates that are not known
  /// are null.
  nlohmann::ordered_json Build() const;

 private:
  using Count = double (*)(const nlohmann::ordered_json& status, const std::string& name);
  nlohmann::ordered_json Rate(Count count, const std::string& name, double window_seconds) const;
  nlohmann::ordered_json Tables() const;
  nlohmann::ordered_json Sources() const;
  nlohmann::ordered_json Models() const;
  nlohmann::ordered_json Connectors() const;

  std::deque<TopSample> samples_;
};

}  // namespace millrace::app
