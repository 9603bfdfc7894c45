#include "app/connector_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/connector_events.h"
#include "app/connector_offsets.h"
#include "app/connector_readers.h"
#include "app/version.h"
#include "base/error.h"
#include "io/http_call.h"

namespace millrace::app {
namespace {

using api::ConnectorInfo;
using api::TargetState;
using io::HttpRefusal;

/// How long a request waits for a connector that comes to its end: a stop waits up to 20 s for a peer.
constexpr std::chrono::seconds kPatience{30};
constexpr size_t kNameBytesMax = 255;
constexpr size_t kConnectorsMax = 1000;

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// What Connect answers when it cannot do something now that it could a little later.
[[noreturn]] void ThrowBusy(const std::string& name) {
  throw HttpRefusal(409, fmt::format("Cannot complete request momentarily: connector {} is coming to its end", name));
}

}  // namespace

ConnectorHost::ConnectorHost(ConnectorParts parts, const std::filesystem::path& state_file)
    : parts_(std::move(parts)), store_(state_file) {
  std::vector<std::string> names;
  for (const auto& stored : store_.All()) names.push_back(stored.name);
  ForgetReadersOfOthers(parts_.stream, parts_.pipeline, names);
  for (auto& stored : store_.All()) {
    Hosted hosted;
    try {
      hosted.claims = PlanConnector(parts_.pipeline, stored.name, stored.config).claims;
      RequireFree(stored.name, hosted.claims);
    } catch (const Error&) {  // it will say so itself, as FAILED
      hosted.claims.clear();
    }
    const auto name = stored.name;
    hosted.connector = std::make_shared<Connector>(parts_, store_, std::move(stored), false);
    connectors_.emplace(name, std::move(hosted));
  }
}

ConnectorHost::~ConnectorHost() { Stop(); }

void ConnectorHost::ServedAt(const std::string& url) {
  const std::lock_guard lock(mutex_);
  const auto scheme = url.find("://");
  worker_id_ = scheme == std::string::npos ? url : url.substr(scheme + 3);
}

void ConnectorHost::RequestStop() {
  for (const auto& [name, connector] : Running()) connector->RequestStop();
}

void ConnectorHost::Stop() {
  RequestStop();
  for (const auto& [name, connector] : Running()) connector->WaitForEnd();
}

std::map<std::string, ConnectorHost::ConnectorPtr> ConnectorHost::Running() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, ConnectorPtr> all;
  for (const auto& [name, hosted] : connectors_) all.emplace(name, hosted.connector);
  return all;
}

std::string ConnectorHost::version() const { return kVersion; }

std::string ConnectorHost::ClusterId() {
  auto id = parts_.stream.ClusterId();
  return id.empty() ? parts_.pipeline.name : id;
}

std::string ConnectorHost::worker_id() const {
  const std::lock_guard lock(mutex_);
  return worker_id_;
}

ConnectorHost::ConnectorPtr ConnectorHost::Find(const std::string& name, const std::string& unknown) const {
  const std::lock_guard lock(mutex_);
  const auto found = connectors_.find(name);
  if (found == connectors_.end()) throw HttpRefusal(404, unknown);
  return found->second.connector;
}

ConnectorHost::ConnectorPtr ConnectorHost::Find(const std::string& name) const {
  return Find(name, fmt::format("Connector {} not found", name));
}

std::vector<std::string> ConnectorHost::Names() {
  std::vector<std::string> names;
  for (const auto& [name, connector] : Running()) names.push_back(name);
  return names;
}

ConnectorInfo ConnectorHost::Info(const std::string& name) { return Find(name)->Info(); }

api::ConnectorStatus ConnectorHost::Status(const std::string& name) {
  return Find(name, fmt::format("No status found for connector {}", name))->Status();
}

/// The config as it is stored: with its name, and with the passwords that were not given again.
connect::Properties ConnectorHost::Checked(const std::string& name, connect::Properties config,
                                           const connect::Properties& stored, std::set<std::string>& claims) const {
  const auto named = config.try_emplace("name", name).first->second;
  if (named != name) {
    throw HttpRefusal(400, fmt::format("Connector name configuration ({}) doesn't match connector name in the URL ({})",
                                       named, name));
  }
  if (name.size() > kNameBytesMax || std::ranges::any_of(name, IsControl)) {
    throw HttpRefusal(400,
                      fmt::format("a connector's name has at most {} bytes, and no control characters", kNameBytesMax));
  }
  try {
    config = WithPasswords(std::move(config), stored);
    claims = PlanConnector(parts_.pipeline, name, config).claims;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kConfig) throw;
    throw HttpRefusal(400, error.message());
  }
  return config;
}

/// Called with the lock held.
void ConnectorHost::RequireFree(const std::string& name, const std::set<std::string>& claims) const {
  for (const auto* hosts : {&connectors_, &ending_}) {
    for (const auto& [other, hosted] : *hosts) {
      if (other == name) continue;
      const auto taken = std::ranges::find_if(claims, [&](const auto& each) { return hosted.claims.contains(each); });
      if (taken == claims.end()) continue;
      throw HttpRefusal(400, fmt::format("The {} is the connector {}'s; give this one another", *taken, other));
    }
  }
}

ConnectorInfo ConnectorHost::Create(const std::string& name, const connect::Properties& config, TargetState state) {
  if (name.empty() || name.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw HttpRefusal(400,
                      "Connector configuration is invalid and contains the following 1 error(s):\nInvalid value  for "
                      "configuration name: String may not be empty\nYou can also find the above list of errors at the "
                      "endpoint `/connector-plugins/{connectorType}/config/validate`");
  }
  std::set<std::string> claims;
  auto checked = Checked(name, config, {}, claims);
  return Add(name, std::move(checked), state, std::move(claims));
}

ConnectorInfo ConnectorHost::Add(const std::string& name, connect::Properties config, TargetState state,
                                 std::set<std::string> claims) {
  StoredConnector stored{.name = name, .config = std::move(config), .target = state};
  std::unique_lock lock(mutex_);
  const bool free = changed_.wait_for(lock, kPatience, [&] {
    return std::ranges::none_of(ending_, [&](const auto& each) {
      return each.first == name ||
             std::ranges::any_of(claims, [&](const auto& claim) { return each.second.claims.contains(claim); });
    });
  });
  if (!free) ThrowBusy(name);
  if (connectors_.contains(name)) throw HttpRefusal(409, fmt::format("Connector {} already exists", name));
  RequireFree(name, claims);
  if (connectors_.size() >= kConnectorsMax) {
    throw HttpRefusal(409,
                      fmt::format("there are {} connectors, and one process has no more; delete some, or run another",
                                  kConnectorsMax));
  }
  store_.Put(stored);
  ConnectorTurned{.connector = name, .what = "made"}.Emit();
  auto connector = std::make_shared<Connector>(parts_, store_, stored, true);
  auto info = connector->Info();
  info.tasks = 0;  // it has just been told
  connectors_[name] = {std::move(connector), std::move(claims)};
  return info;
}

void ConnectorHost::Change(const std::string& name, const connect::Properties& config, std::set<std::string> claims) {
  const std::lock_guard lock(mutex_);
  const auto found = connectors_.find(name);
  if (found == connectors_.end()) throw HttpRefusal(404, fmt::format("Connector {} not found", name));
  RequireFree(name, claims);
  auto stored = found->second.connector->stored();
  stored.config = config;
  store_.Put(stored);
  found->second.claims = std::move(claims);
  found->second.connector->Change(config);
  ConnectorTurned{.connector = name, .what = "changed"}.Emit();
}

std::pair<bool, ConnectorInfo> ConnectorHost::Put(const std::string& name, const connect::Properties& config) {
  const auto running = Running();
  const auto found = running.find(name);
  if (found == running.end()) return {true, Create(name, config, TargetState::kRunning)};
  std::set<std::string> claims;
  const auto checked = Checked(name, config, found->second->stored().config, claims);
  Change(name, checked, std::move(claims));
  return {false, Info(name)};
}

ConnectorInfo ConnectorHost::Patch(const std::string& name, const api::ConfigPatch& patch) {
  const auto stored = Find(name)->stored().config;
  auto config = stored;
  for (const auto& [key, value] : patch) {
    if (value) {
      config[key] = *value;
    } else {
      config.erase(key);
    }
  }
  std::set<std::string> claims;
  const auto checked = Checked(name, std::move(config), stored, claims);
  Change(name, checked, std::move(claims));
  return Info(name);
}

/// Gone for everybody at once; what it held is free when it has come to its end.
void ConnectorHost::Delete(const std::string& name) {
  ConnectorPtr connector;
  {
    const std::lock_guard lock(mutex_);
    auto found = connectors_.find(name);
    if (found == connectors_.end()) throw HttpRefusal(404, fmt::format("Connector {} not found", name));
    store_.Erase(name);
    connector = found->second.connector;
    ending_[name] = std::move(found->second);
    connectors_.erase(found);
  }
  ConnectorTurned{.connector = name, .what = "deleted"}.Emit();
  connector->RequestStop();
  connector->WaitForEnd();
  ForgetReadersOf(parts_.stream, parts_.pipeline, name);
  const std::lock_guard lock(mutex_);
  ending_.erase(name);
  // What it noted of itself while it came to its end.
  store_.Erase(name);
  changed_.notify_all();
}

void ConnectorHost::SetTarget(const std::string& name, TargetState state) {
  const std::lock_guard lock(mutex_);
  const auto found = connectors_.find(name);
  if (found == connectors_.end()) throw HttpRefusal(404, fmt::format("Unknown connector {}", name));
  store_.SetTarget(name, state);
  found->second.connector->SetTarget(state);
}

api::ConnectorStatus ConnectorHost::Restart(const std::string& name, api::RestartRequest request) {
  return Find(name, fmt::format("Unknown connector: {}", name))->Restart(request);
}

void ConnectorHost::RestartTask(const std::string& name, int task) {
  if (Find(name, fmt::format("Unknown connector: {}", name))->RestartTask(task)) return;
  throw HttpRefusal(404, fmt::format("Unknown task: {}-{}", name, task));
}

std::vector<connect::Properties> ConnectorHost::TaskConfigs(const std::string& name) {
  const auto info = Find(name)->Info();
  auto config = info.config;
  config["task.class"] = config["connector.class"];
  return std::vector<connect::Properties>(static_cast<size_t>(info.tasks), config);
}

/// As Connect has it, of one that is not there too.
std::vector<std::string> ConnectorHost::Topics(const std::string& name) { return store_.Topics(name); }

void ConnectorHost::ResetTopics(const std::string& name) { store_.ForgetTopics(name); }

template <typename Body>
auto ConnectorHost::WithOffsets(const std::string& name, Body&& body) {
  const auto stored = Find(name)->stored();
  const auto plan = PlanConnector(parts_.pipeline, name, stored.config);
  std::optional<Lake> own;
  if (plan.own_lake) own.emplace(OpenLake(plan.config, parts_.directory));
  return body(ConnectorOffsets({name, plan, own ? *own : parts_.lake, parts_.stream, store_}));
}

std::vector<api::ConnectorOffset> ConnectorHost::Offsets(const std::string& name) {
  return WithOffsets(name, [](const ConnectorOffsets& offsets) { return offsets.Read(); });
}

/// While what it returns is held, the connector stays stopped.
ConnectorHost::Held ConnectorHost::RequireStopped(const std::string& name) const {
  auto connector = Find(name);
  if (connector->stored().target == TargetState::kStopped) {
    if (!connector->WaitUntilThere(kPatience)) ThrowBusy(name);
    Held held{.connector = connector, .lock = connector->HoldStopped()};
    if (held.lock) return held;
  }
  throw HttpRefusal(400, fmt::format("Connectors must be in the STOPPED state before their offsets can be modified. "
                                     "This can be done for the specified connector by issuing a 'PUT' request to the "
                                     "'/connectors/{}/stop' endpoint",
                                     name));
}

std::string ConnectorHost::AlterOffsets(const std::string& name, const std::vector<api::ConnectorOffset>& offsets) {
  const auto held = RequireStopped(name);
  WithOffsets(name, [&](const ConnectorOffsets& all) { all.Alter(offsets); });
  return "The offsets for this connector have been altered successfully";
}

std::string ConnectorHost::ResetOffsets(const std::string& name) {
  const auto held = RequireStopped(name);
  WithOffsets(name, [](const ConnectorOffsets& all) { all.Reset(); });
  return "The offsets for this connector have been reset successfully";
}

}  // namespace millrace::app
