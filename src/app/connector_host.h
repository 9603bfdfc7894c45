#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

#include "api/connect_port.h"
#include "app/connector.h"
#include "app/connector_store.h"
#include "app/connector_task.h"

namespace millrace::app {

/// Owns the connectors of a process, which run beside its pipeline: each in threads of its own, with an error of its
/// own. They are made, changed and taken away while everything else goes on, and come back from the state database
/// with what they were to do. Borrows what it shares; thread-safe.
class ConnectorHost final : public api::ConnectWorker {
 public:
  /// Starts those that are stored.
  ConnectorHost(ConnectorParts parts, const std::filesystem::path& state_file);
  ~ConnectorHost() override;

  /// Where it can be asked, "http://host:port".
  void ServedAt(const std::string& url);
  /// All come to their end; nothing is changed of what they are to do.
  void RequestStop();
  /// Waits until they have.
  void Stop();

  /// For the status: name -> state, why, and the feeds of its tasks.
  nlohmann::ordered_json Describe() const;
  /// Sets the gauges of connectors and of their feeds; `topics` are as they stand.
  void SetGauges(const std::vector<event::TopicInfo>& topics, Timestamp now) const;

  std::string version() const override;
  std::string ClusterId() override;
  std::string worker_id() const override;
  std::vector<std::string> Names() override;
  api::ConnectorInfo Info(const std::string& name) override;
  api::ConnectorStatus Status(const std::string& name) override;
  api::ConnectorInfo Create(const std::string& name, const connect::Properties& config,
                            api::TargetState state) override;
  std::pair<bool, api::ConnectorInfo> Put(const std::string& name, const connect::Properties& config) override;
  api::ConnectorInfo Patch(const std::string& name, const api::ConfigPatch& patch) override;
  void Delete(const std::string& name) override;
  void SetTarget(const std::string& name, api::TargetState state) override;
  api::ConnectorStatus Restart(const std::string& name, api::RestartRequest request) override;
  void RestartTask(const std::string& name, int task) override;
  std::vector<connect::Properties> TaskConfigs(const std::string& name) override;
  std::vector<std::string> Topics(const std::string& name) override;
  void ResetTopics(const std::string& name) override;
  std::vector<api::ConnectorOffset> Offsets(const std::string& name) override;
  std::string AlterOffsets(const std::string& name, const std::vector<api::ConnectorOffset>& offsets) override;
  std::string ResetOffsets(const std::string& name) override;

 private:
  using ConnectorPtr = std::shared_ptr<Connector>;
  struct Hosted {
    ConnectorPtr connector;
    std::set<std::string> claims;
  };

  /// HttpRefusal 404, in these words of Connect.
  ConnectorPtr Find(const std::string& name, const std::string& unknown) const;
  ConnectorPtr Find(const std::string& name) const;
  std::map<std::string, ConnectorPtr> Running() const;
  connect::Properties Checked(const std::string& name, connect::Properties config, const connect::Properties& stored,
                              std::set<std::string>& claims) const;
  void RequireFree(const std::string& name, const std::set<std::string>& claims) const;
  api::ConnectorInfo Add(const std::string& name, connect::Properties config, api::TargetState state,
                         std::set<std::string> claims);
  void Change(const std::string& name, const connect::Properties& config, std::set<std::string> claims);
  template <typename Body>
  auto WithOffsets(const std::string& name, Body&& body);
  struct Held {
    ConnectorPtr connector;
    std::unique_lock<std::mutex> lock;
  };
  Held RequireStopped(const std::string& name) const;

  const ConnectorParts parts_;
  ConnectorStore store_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string worker_id_ = "starting";
  std::map<std::string, Hosted> connectors_;
  std::map<std::string, Hosted> ending_;  // deleted, and still coming to their end
};

}  // namespace millrace::app
