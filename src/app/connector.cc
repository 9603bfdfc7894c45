#include "app/connector.h"

#include <fmt/format.h>

#include <utility>

#include "app/connector_events.h"
#include "app/connector_readers.h"
#include "app/storage.h"
#include "base/error.h"
#include "io/outage_patience.h"

namespace millrace::app {
namespace {

using api::TargetState;
using State = ConnectorTask::State;

const char* Word(TargetState state) {
  switch (state) {
    case TargetState::kRunning:
      return "RUNNING";
    case TargetState::kPaused:
      return "PAUSED";
    case TargetState::kStopped:
      return "STOPPED";
  }
  return "STOPPED";
}

const char* Word(State state) {
  switch (state) {
    case State::kStarting:
      return "UNASSIGNED";
    case State::kRunning:
    case State::kEnded:  // on its way to whatever is next
      return "RUNNING";
    case State::kFailed:
      return "FAILED";
  }
  return "FAILED";
}

std::string_view Past(TargetState state) {
  switch (state) {
    case TargetState::kRunning:
      return "running";
    case TargetState::kPaused:
      return "paused";
    case TargetState::kStopped:
      return "stopped";
  }
  return "stopped";
}

const connect::Plugin* MaybePluginOf(const connect::Properties& config) {
  const auto given = config.find("connector.class");
  return given == config.end() ? nullptr : connect::FindPlugin(given->second);
}

std::string TypeOf(const connect::Plugin* plugin) {
  return plugin == nullptr ? "unknown" : plugin->type();  // Connect's word where the class is gone
}

}  // namespace

Connector::Connector(const ConnectorParts& parts, ConnectorStore& store, StoredConnector stored, bool fresh)
    : parts_(parts),
      store_(store),
      stored_(std::move(stored)),
      fresh_(fresh),
      thread_([this](const std::stop_token& stop) { Drive(stop); }) {}

Connector::~Connector() = default;

void Connector::Change(const connect::Properties& config) {
  const std::lock_guard lock(mutex_);
  stored_.config = config;
  ++wanted_;
  changed_.notify_all();
}

void Connector::SetTarget(TargetState target) {
  const std::lock_guard lock(mutex_);
  if (stored_.target == target) return;
  stored_.target = target;
  ++wanted_;
  changed_.notify_all();
}

bool Connector::StatusOfTaskIs(int id, State state) const {
  const auto index = static_cast<size_t>(id);
  return index < tasks_.size() && tasks_[index]->state() == state;
}

api::ConnectorStatus Connector::Restart(api::RestartRequest request) {
  const std::lock_guard lock(mutex_);
  const bool failed = !trace_.empty();
  const bool runs = stored_.target == TargetState::kRunning;
  if (failed && runs) ++wanted_;  // it has no tasks yet: everything of it starts
  restarting_ = runs && (failed || !request.only_failed);
  if (runs && !failed && request.include_tasks) {
    for (int id = 0; id < static_cast<int>(tasks_.size()); ++id) {
      if (!request.only_failed || StatusOfTaskIs(id, State::kFailed)) restarts_.insert(id);
    }
  }
  auto status = StatusLocked();
  changed_.notify_all();
  return status;
}

bool Connector::RestartTask(int id) {
  const std::lock_guard lock(mutex_);
  if (id < 0 || static_cast<size_t>(id) >= task_count_) return false;
  if (static_cast<size_t>(id) < tasks_.size()) restarts_.insert(id);
  changed_.notify_all();
  return true;
}

void Connector::Drive(const std::stop_token& stop) {
  const io::OutagePatience stoppable(stop, {});
  std::unique_lock lock(mutex_);
  const auto to_do = [this] { return there_ != wanted_ || !restarts_.empty() || restarting_; };
  while (changed_.wait(lock, stop, to_do) && !stop.stop_requested()) {
    if (there_ != wanted_) {
      const auto change = wanted_;
      const auto stored = stored_;
      restarts_.clear();
      lock.unlock();
      Apply(stored.target, stored.config);
      lock.lock();
      there_ = change;
    }
    restarting_ = false;
    while (!restarts_.empty()) {
      const int id = *restarts_.begin();
      lock.unlock();
      ReplaceTask(id);
      lock.lock();
      restarts_.erase(id);
    }
    changed_.notify_all();
  }
  const auto tasks = tasks_;
  lock.unlock();
  for (const auto& task : tasks) task->RequestStop();
  for (const auto& task : tasks) task->Wait();
  ended_ = true;
  ended_.notify_all();
}

std::unique_lock<std::mutex> Connector::HoldStopped() {
  std::unique_lock held(applying_);
  const std::lock_guard lock(mutex_);
  if (state_ != TargetState::kStopped) held.unlock();
  return held;
}

/// Stops what runs and starts what is to run. A connector that cannot start has no tasks, and says why.
void Connector::Apply(TargetState target, const connect::Properties& config) {
  const std::lock_guard applying(applying_);
  std::vector<std::shared_ptr<ConnectorTask>> ended;
  {
    const std::lock_guard lock(mutex_);
    ended = tasks_;
  }
  for (const auto& task : ended) task->RequestStop();
  for (const auto& task : ended) task->Wait();
  std::shared_ptr<const ConnectorRun> run;
  std::string trace;
  size_t count = 0;
  try {
    if (target == TargetState::kRunning) {
      run = Open(config);
      count = run->plan.tasks.size();
    } else if (target == TargetState::kPaused && !fresh_) {
      count = PlanConnector(parts_.pipeline, stored().name, config).tasks.size();
    }
  } catch (const std::exception& failure) {
    trace = failure.what();
    ConnectorFailed{.connector = stored().name, .why = trace}.Emit();
  }
  const std::lock_guard lock(mutex_);
  tasks_.clear();
  run_ = std::move(run);
  trace_ = std::move(trace);
  task_count_ = count;
  if (run_) {
    fresh_ = false;
    for (int id = 0; id < static_cast<int>(count); ++id) tasks_.push_back(MakeTask(id));
  }
  if (state_ != target) ConnectorTurned{.connector = stored_.name, .what = Past(target)}.Emit();
  state_ = target;
}

std::shared_ptr<const ConnectorRun> Connector::Open(const connect::Properties& config) {
  auto run = std::make_shared<ConnectorRun>();
  run->plan = PlanConnector(parts_.pipeline, stored().name, config);
  const auto bytes = ReaderShare(parts_.pipeline, run->plan.config);
  auto held = parts_.budget.TryReserve(bytes);
  if (!held) {
    throw Error(
        ErrorCode::kUnavailable,
        fmt::format("its readers may hold {} bytes, and the pipeline's memory is taken; raise `memory`, or stop "
                    "other connectors",
                    bytes));
  }
  run->held = std::move(*held);
  if (run->plan.own_lake) run->own_lake = std::make_unique<Lake>(OpenLake(run->plan.config, parts_.directory));
  EnsureTopicsOf(run->plan, parts_.stream);
  ForgetReadersBut(parts_.stream, parts_.pipeline, stored().name, run->plan);
  return run;
}

std::shared_ptr<ConnectorTask> Connector::MakeTask(int id) {
  ConnectorTask::Hooks hooks;
  const auto& name = stored_.name;
  hooks.on_topic = [store = &store_, name](const std::string& topic) { store->AddTopic(name, topic); };
  hooks.starts = [store = &store_, name](const std::string& feed) { return store->Starts(name, feed); };
  return std::make_shared<ConnectorTask>(name, id, parts_, run_, std::move(hooks));
}

void Connector::ReplaceTask(int id) {
  const auto index = static_cast<size_t>(id);
  std::shared_ptr<ConnectorTask> ended;
  {
    const std::lock_guard lock(mutex_);
    if (index >= tasks_.size()) return;
    ended = tasks_[index];
  }
  ended->RequestStop();
  ended->Wait();
  const std::lock_guard lock(mutex_);
  tasks_[index] = MakeTask(id);
}

StoredConnector Connector::stored() const {
  const std::lock_guard lock(mutex_);
  return stored_;
}

api::ConnectorInfo Connector::Info() const {
  const std::lock_guard lock(mutex_);
  api::ConnectorInfo info;
  info.name = stored_.name;
  info.config = WithoutPasswords(stored_.config);
  info.tasks = static_cast<int>(task_count_);
  info.type = TypeOf(MaybePluginOf(stored_.config));
  return info;
}

api::ConnectorStatus Connector::StatusLocked() const {
  api::ConnectorStatus status;
  status.name = stored_.name;
  const auto* plugin = MaybePluginOf(stored_.config);
  status.type = TypeOf(plugin);
  if (plugin != nullptr) status.version = plugin->version();
  status.state = state_ ? Word(*state_) : "UNASSIGNED";
  status.trace = trace_;
  if (!trace_.empty()) status.state = "FAILED";
  if (restarting_) status.state = "RESTARTING";
  for (size_t i = 0; i < task_count_; ++i) {
    api::ConnectorTaskStatus task{.id = static_cast<int>(i), .state = "UNASSIGNED", .trace = {}};
    if (state_ == TargetState::kPaused) task.state = "PAUSED";
    if (i < tasks_.size()) {
      const auto state = tasks_[i]->state();
      task.state = Word(state);
      if (state == State::kFailed || state == State::kStarting) task.trace = tasks_[i]->trace();
      if (restarts_.contains(task.id)) task.state = "RESTARTING";
    }
    status.tasks.push_back(std::move(task));
  }
  return status;
}

api::ConnectorStatus Connector::Status() const {
  const std::lock_guard lock(mutex_);
  return StatusLocked();
}

bool Connector::WaitUntilThere(std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return there_ == wanted_; });
}

void Connector::Look(const std::function<void(const PipelineRunner&)>& look) const {
  std::vector<std::shared_ptr<ConnectorTask>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks = tasks_;
  }
  for (const auto& task : tasks) task->Look(look);
}

}  // namespace millrace::app
