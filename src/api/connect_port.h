#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connect/plugin.h"

namespace millrace::api {

/// What a connector is to do, whatever it does now.
enum class TargetState { kRunning, kPaused, kStopped };

struct ConnectorTaskStatus {
  int id = 0;
  std::string state;  // RUNNING, PAUSED, FAILED, UNASSIGNED, RESTARTING
  std::string trace;  // of FAILED
};

struct ConnectorStatus {
  std::string name;
  std::string type;     // sink, source
  std::string version;  // of its class
  std::string state;    // as of a task, and STOPPED
  std::string trace;
  std::vector<ConnectorTaskStatus> tasks;
};

struct ConnectorInfo {
  std::string name;
  std::string type;
  connect::Properties config;  // passwords hidden
  int tasks = 0;
};

/// One place of one partition; both as Connect writes them: {"kafka_topic": .., "kafka_partition": ..} and
/// {"kafka_offset": ..} of a sink. An offset that is null is forgotten.
struct ConnectorOffset {
  nlohmann::json partition;
  nlohmann::json offset;
};

/// Changes of a config: a value that is absent is taken out.
using ConfigPatch = std::map<std::string, std::optional<std::string>>;

struct RestartRequest {
  bool include_tasks = false;
  bool only_failed = false;
};

/// Connectors, as the routes of Kafka Connect ask for them. Every call may come from any thread, and throws
/// io::HttpRefusal for what a client is to be told: 404 for a connector that is not there, 400 for a config with
/// mistakes, 409 for what cannot be now.
class ConnectWorker {
 public:
  virtual ~ConnectWorker() = default;

  virtual std::string version() const = 0;
  virtual std::string ClusterId() = 0;
  /// host:port.
  virtual std::string worker_id() const = 0;

  virtual std::vector<std::string> Names() = 0;
  virtual ConnectorInfo Info(const std::string& name) = 0;
  virtual ConnectorStatus Status(const std::string& name) = 0;
  virtual ConnectorInfo Create(const std::string& name, const connect::Properties& config, TargetState state) = 0;
  /// True: it is new.
  virtual std::pair<bool, ConnectorInfo> Put(const std::string& name, const connect::Properties& config) = 0;
  virtual ConnectorInfo Patch(const std::string& name, const ConfigPatch& patch) = 0;
  virtual void Delete(const std::string& name) = 0;

  virtual void SetTarget(const std::string& name, TargetState state) = 0;
  virtual ConnectorStatus Restart(const std::string& name, RestartRequest request) = 0;
  virtual void RestartTask(const std::string& name, int task) = 0;
  /// What each task does, by its number.
  virtual std::vector<connect::Properties> TaskConfigs(const std::string& name) = 0;

  /// Topics it has used since it was made, or since ResetTopics.
  virtual std::vector<std::string> Topics(const std::string& name) = 0;
  virtual void ResetTopics(const std::string& name) = 0;

  virtual std::vector<ConnectorOffset> Offsets(const std::string& name) = 0;
  /// Only of one that is stopped; both return what the client is told.
  virtual std::string AlterOffsets(const std::string& name, const std::vector<ConnectorOffset>& offsets) = 0;
  virtual std::string ResetOffsets(const std::string& name) = 0;
};

}  // namespace millrace::api
