#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "app/connector_plan.h"
#include "app/feed_maker.h"
#include "app/housekeeper.h"
#include "app/lake.h"
#include "app/pipeline_runner.h"

namespace millrace::app {

/// What a process has opened and its connectors share. Everything outlives them.
struct ConnectorParts {
  const PipelineConfig& pipeline;
  const DataDirectory& directory;
  Lake& lake;
  event::Stream& stream;
  ByteBudget& budget;
  std::function<void()> on_commit;
};

/// One start of a connector: its plan, and what only it has opened.
struct ConnectorRun {
  ConnectorPlan plan;
  std::unique_ptr<Lake> own_lake;
  Reservation held;  // what the stream's library may hold for its readers
};

/// Some feeds of a connector, in threads of their own. One whose topic is not there begins when it is. When one fails,
/// the task is FAILED with what it said, and nothing else is. Made, started once, stopped; a restart is another one.
class ConnectorTask {
 public:
  enum class State { kStarting, kRunning, kFailed, kEnded };
  struct Hooks {
    /// A topic that records were read from or appended to, told whenever there were more.
    std::function<void(const std::string& topic)> on_topic;
    /// Where a feed begins in what nothing was landed from.
    std::function<event::Positions(const std::string& feed)> starts;
  };

  ConnectorTask(std::string title, int id, const ConnectorParts& parts, std::shared_ptr<const ConnectorRun> run,
                Hooks hooks);
  /// Stops and waits.
  ~ConnectorTask();
  ConnectorTask(const ConnectorTask&) = delete;
  ConnectorTask& operator=(const ConnectorTask&) = delete;

  void RequestStop() { thread_.request_stop(); }
  /// Until it has ended.
  void Wait() const { ended_.wait(false); }
  State state() const { return state_; }
  /// Of kFailed, and of kStarting when a peer did not answer.
  std::string trace() const;
  /// Calls `look` with the feeds while they run.
  void Look(const std::function<void(const PipelineRunner&)>& look) const;

 private:
  /// A peer that does not answer is waited for; any other error ends the task.
  void Run(const std::stop_token& stop);
  void RunOnce(const std::stop_token& stop);
  /// Of its feeds.
  std::set<std::string> MissingTopics();
  /// Whether others are missing than these, looked for about once a second.
  bool MissesOthers(const std::set<std::string>& missing);
  void WaitForTopic(const std::set<std::string>& missing, const std::stop_token& stop);
  void Fail(const std::string& why);
  /// Of the feeds whose topics are there. `tick` as PipelineRunner has it.
  std::unique_ptr<PipelineRunner> MakeRunner(const std::set<std::string>& missing,
                                             std::function<void(const PipelineRunner&)> tick);
  void NoteTopics(const PipelineRunner& runner);
  void Forget(std::string trace);
  void Drop(State state, std::string trace);

  const std::string title_;
  const int id_;
  const ConnectorParts& parts_;
  const std::shared_ptr<const ConnectorRun> run_;
  const Hooks hooks_;
  std::map<std::string, uint64_t> counted_;  // by feed: records, as topics were noted last
  SteadyTime looked_{};                      // for the topics of a pattern
  SteadyTime looked_for_{};                  // for the topics of its feeds

  std::atomic<State> state_ = State::kStarting;
  mutable std::mutex mutex_;
  std::string trace_;
  std::unique_ptr<PipelineRunner> runner_;
  std::unique_ptr<Housekeeper> housekeeper_;  // of a lake that only the connector has
  std::atomic<bool> ended_ = false;
  std::jthread thread_;
};

}  // namespace millrace::app
