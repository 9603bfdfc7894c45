#include "app/connector_store.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/sqlite_format.h"
#include "refine/schedule/run_log.h"

namespace millrace::app {
namespace {

constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS connectors (name TEXT PRIMARY KEY, config TEXT NOT NULL, target TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS connector_topics (connector TEXT NOT NULL, topic TEXT NOT NULL, "
    "PRIMARY KEY (connector, topic));"
    "CREATE TABLE IF NOT EXISTS connector_starts (connector TEXT NOT NULL, feed TEXT NOT NULL, split TEXT NOT NULL, "
    "cursor TEXT NOT NULL, PRIMARY KEY (connector, feed, split));";

const char* Word(api::TargetState target) {
  switch (target) {
    case api::TargetState::kRunning:
      return "RUNNING";
    case api::TargetState::kPaused:
      return "PAUSED";
    case api::TargetState::kStopped:
      return "STOPPED";
  }
  return "STOPPED";
}

api::TargetState TargetOf(const std::string& name, const std::string& word) {
  for (const auto target : {api::TargetState::kRunning, api::TargetState::kPaused, api::TargetState::kStopped}) {
    if (word == Word(target)) return target;
  }
  throw Error(ErrorCode::kStop,
              fmt::format("state.db: connector {}: '{}' is no target of this version of millrace", name, word));
}

}  // namespace

ConnectorStore::ConnectorStore(const std::filesystem::path& file) : connection_(file, "") {
  namespace fs = std::filesystem;
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  connection_.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  io::EnsureLayout(connection_, file, refine::kStateLayout);
  connection_.Execute(kTables);
}

std::vector<StoredConnector> ConnectorStore::All() {
  const std::lock_guard lock(mutex_);
  std::vector<StoredConnector> all;
  auto select = connection_.Prepare("SELECT name, config, target FROM connectors ORDER BY name");
  while (select.Step()) {
    const auto config = nlohmann::json::parse(select.Text(1), nullptr, false);
    if (!config.is_object()) {
      throw Error(ErrorCode::kStop,
                  fmt::format("state.db: the config of connector {} cannot be read; restore the file", select.Text(0)));
    }
    all.push_back({select.Text(0), config.get<connect::Properties>(), TargetOf(select.Text(0), select.Text(2))});
  }
  return all;
}

void ConnectorStore::Put(const StoredConnector& connector) {
  const auto config = nlohmann::json(connector.config).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const std::lock_guard lock(mutex_);
  connection_.Prepare("INSERT OR REPLACE INTO connectors VALUES (?, ?, ?)")
      .Bind(0, connector.name)
      .Bind(1, config)
      .Bind(2, Word(connector.target))
      .Run();
}

void ConnectorStore::SetTarget(const std::string& name, api::TargetState target) {
  const std::lock_guard lock(mutex_);
  connection_.Prepare("UPDATE connectors SET target = ? WHERE name = ?").Bind(0, Word(target)).Bind(1, name).Run();
}

void ConnectorStore::Run(const char* sql, const std::string& name) { connection_.Prepare(sql).Bind(0, name).Run(); }

void ConnectorStore::Erase(const std::string& name) {
  const std::lock_guard lock(mutex_);
  io::Transaction transaction(connection_, io::Transaction::Kind::kWrite);
  Run("DELETE FROM connectors WHERE name = ?", name);
  Run("DELETE FROM connector_topics WHERE connector = ?", name);
  Run("DELETE FROM connector_starts WHERE connector = ?", name);
  transaction.Commit();
}

std::vector<std::string> ConnectorStore::Topics(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> topics;
  auto select = connection_.Prepare("SELECT topic FROM connector_topics WHERE connector = ? ORDER BY topic");
  select.Bind(0, name);
  while (select.Step()) topics.push_back(select.Text(0));
  return topics;
}

void ConnectorStore::AddTopic(const std::string& name, const std::string& topic) {
  const std::lock_guard lock(mutex_);
  connection_.Prepare("INSERT OR IGNORE INTO connector_topics VALUES (?, ?)").Bind(0, name).Bind(1, topic).Run();
}

void ConnectorStore::ForgetTopics(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Run("DELETE FROM connector_topics WHERE connector = ?", name);
}

event::Positions ConnectorStore::Starts(const std::string& name, const std::string& feed) {
  const std::lock_guard lock(mutex_);
  event::Positions starts;
  auto select = connection_.Prepare("SELECT split, cursor FROM connector_starts WHERE connector = ? AND feed = ?");
  select.Bind(0, name).Bind(1, feed);
  while (select.Step()) starts[event::SplitId(select.Text(0))] = event::Cursor(select.Text(1));
  return starts;
}

void ConnectorStore::SetStarts(const std::string& name, const std::string& feed, const event::Positions& starts) {
  const std::lock_guard lock(mutex_);
  io::Transaction transaction(connection_, io::Transaction::Kind::kWrite);
  connection_.Prepare("DELETE FROM connector_starts WHERE connector = ? AND feed = ?")
      .Bind(0, name)
      .Bind(1, feed)
      .Run();
  auto insert = connection_.Prepare("INSERT INTO connector_starts VALUES (?, ?, ?, ?)");
  for (const auto& [split, cursor] : starts) {
    insert.Bind(0, name).Bind(1, feed).Bind(2, split.value()).Bind(3, cursor.value()).Run();
  }
  transaction.Commit();
}

void ConnectorStore::ForgetStarts(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Run("DELETE FROM connector_starts WHERE connector = ?", name);
}

}  // namespace millrace::app
