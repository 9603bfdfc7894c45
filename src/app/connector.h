#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "api/connect_port.h"
#include "app/connector_store.h"
#include "app/connector_task.h"

namespace millrace::app {

/// One connector: what it is to do, and a thread that makes it so, one change after the other. Calls say what is
/// wanted and return at once; Status says how far it is. Thread-safe.
class Connector {
 public:
  /// `fresh`: it has just been made, so that it has no tasks before it runs for the first time.
  Connector(const ConnectorParts& parts, ConnectorStore& store, StoredConnector stored, bool fresh);
  /// Stops and waits.
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  void RequestStop() { thread_.request_stop(); }
  /// After RequestStop.
  void WaitForEnd() const { ended_.wait(false); }
  /// Runs with another config from now on.
  void Change(const connect::Properties& config);
  void SetTarget(api::TargetState target);
  api::ConnectorStatus Restart(api::RestartRequest request);
  /// False when there is no such task.
  bool RestartTask(int id);

  StoredConnector stored() const;
  api::ConnectorInfo Info() const;
  api::ConnectorStatus Status() const;
  /// Waits until it has become what it is to be; false when that takes longer.
  bool WaitUntilThere(std::chrono::milliseconds patience) const;
  /// While it is held, a connector that is stopped stays so; not owned when it is not stopped.
  std::unique_lock<std::mutex> HoldStopped();
  /// Calls `look` with the feeds of each of its tasks.
  void Look(const std::function<void(const PipelineRunner&)>& look) const;

 private:
  void Drive(const std::stop_token& stop);
  void Apply(api::TargetState target, const connect::Properties& config);
  std::shared_ptr<const ConnectorRun> Open(const connect::Properties& config);
  std::shared_ptr<ConnectorTask> MakeTask(int id);
  void ReplaceTask(int id);
  api::ConnectorStatus StatusLocked() const;
  bool StatusOfTaskIs(int id, ConnectorTask::State state) const;

  const ConnectorParts& parts_;
  ConnectorStore& store_;

  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  StoredConnector stored_;
  uint64_t wanted_ = 1;  // rises with each change
  uint64_t there_ = 0;   // the change that it is at
  std::optional<api::TargetState> state_;
  std::string trace_;  // it failed before it had tasks
  bool fresh_ = false;
  size_t task_count_ = 0;
  std::set<int> restarts_;   // tasks to be restarted
  bool restarting_ = false;  // the connector itself
  std::shared_ptr<const ConnectorRun> run_;
  std::vector<std::shared_ptr<ConnectorTask>> tasks_;
  std::mutex applying_;  // before mutex_
  std::atomic<bool> ended_ = false;
  std::jthread thread_;
};

}  // namespace millrace::app
