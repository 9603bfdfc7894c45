#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/connect_port.h"
#include "event/position.h"
#include "io/sqlite.h"

namespace millrace::app {

/// A connector as it is kept.
struct StoredConnector {
  std::string name;
  connect::Properties config;  // with its passwords
  api::TargetState target = api::TargetState::kRunning;
};

/// The connectors of a process, in <data_dir>/state.db; what Connect keeps in its three topics. Every change is durable
/// when its call returns. Only the file's owner may read it, as configs hold passwords. Frozen:
///
///   connectors        name, config (a JSON object of texts), target (RUNNING, PAUSED, STOPPED)
///   connector_topics  connector, topic: what it has used
///   connector_starts  connector, feed, split, cursor: where a feed begins in what nothing was landed from yet
///
/// Thread-safe.
class ConnectorStore {
 public:
  explicit ConnectorStore(const std::filesystem::path& file);

  std::vector<StoredConnector> All();
  /// Adds it, or replaces its config and target.
  void Put(const StoredConnector& connector);
  void SetTarget(const std::string& name, api::TargetState target);
  void Erase(const std::string& name);

  std::vector<std::string> Topics(const std::string& name);
  void AddTopic(const std::string& name, const std::string& topic);
  void ForgetTopics(const std::string& name);

  event::Positions Starts(const std::string& name, const std::string& feed);
  /// Instead of all that were there.
  void SetStarts(const std::string& name, const std::string& feed, const event::Positions& starts);
  void ForgetStarts(const std::string& name);

 private:
  void Run(const char* sql, const std::string& name);

  std::mutex mutex_;
  io::Connection connection_;
};

}  // namespace millrace::app
