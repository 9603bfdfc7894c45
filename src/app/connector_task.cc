#include "app/connector_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/connector_events.h"
#include "app/connector_readers.h"
#include "base/error.h"
#include "base/log.h"
#include "io/outage_patience.h"
#include "stream/kafka/subscription.h"

namespace millrace::app {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);
/// For topics that are not there.
constexpr auto kLookForEvery = std::chrono::seconds(1);
/// Between attempts of a task whose peer is away.
constexpr auto kRetryFirst = std::chrono::milliseconds(500);
constexpr auto kRetryMost = std::chrono::milliseconds(30'000);

}  // namespace

ConnectorTask::ConnectorTask(std::string title, int id, const ConnectorParts& parts,
                             std::shared_ptr<const ConnectorRun> run, Hooks hooks)
    : title_(std::move(title)),
      id_(id),
      parts_(parts),
      run_(std::move(run)),
      hooks_(std::move(hooks)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

ConnectorTask::~ConnectorTask() = default;

void ConnectorTask::Run(const std::stop_token& stop) {
  const io::OutagePatience stoppable(stop, {});
  for (auto pause = kRetryFirst; !stop.stop_requested(); pause = std::min(pause * 2, kRetryMost)) {
    try {
      RunOnce(stop);
      return Drop(State::kEnded, {});
    } catch (const Error& failure) {
      // A stop that was asked for ends what waits for a peer with an error that nobody needs to mend.
      if (stop.stop_requested()) return Drop(State::kEnded, failure.what());
      if (failure.code() != ErrorCode::kUnavailable) return Fail(failure.what());
      ConnectorWaits{.connector = title_, .task = id_, .why = failure.what()}.Emit();
      Forget(failure.what());
      state_ = State::kStarting;
      Clock::System().SleepFor(pause, stop);
    } catch (const std::exception& failure) {
      if (stop.stop_requested()) return Drop(State::kEnded, failure.what());
      return Fail(failure.what());
    }
  }
  Drop(State::kEnded, {});
}

/// As Connect's workers do, a task runs while topics of it are not there, and takes them up when they are: then its
/// feeds are begun anew.
void ConnectorTask::RunOnce(const std::stop_token& stop) {
  bool told = false;
  while (!stop.stop_requested()) {
    const auto missing = MissingTopics();
    if (!missing.empty() && !std::exchange(told, true))
      ConnectorLacksTopics{.connector = title_, .task = id_, .topics = missing}.Emit();
    const auto& feeds = run_->plan.tasks[static_cast<size_t>(id_)];
    if (std::ranges::all_of(feeds, [&](const auto& feed) { return missing.contains(TopicOf(run_->plan, feed)); })) {
      Forget({});
      state_ = State::kRunning;
      WaitForTopic(missing, stop);
      continue;
    }
    std::stop_source again;
    const std::stop_callback with(stop, [&again] { again.request_stop(); });
    auto runner = MakeRunner(missing, [&](const PipelineRunner& now) {
      NoteTopics(now);
      if (!missing.empty() && MissesOthers(missing)) again.request_stop();
    });
    auto* running = runner.get();
    {
      const std::lock_guard lock(mutex_);
      runner_ = std::move(runner);
      trace_.clear();
    }
    state_ = State::kRunning;
    running->Run(again.get_token());
    NoteTopics(*running);
    if (missing.empty()) return;
  }
}

std::set<std::string> ConnectorTask::MissingTopics() {
  std::set<std::string> missing;
  for (const auto& feed : run_->plan.tasks[static_cast<size_t>(id_)]) {
    const auto topic = TopicOf(run_->plan, feed);
    if (topic.empty() || stream::IsPattern(topic) || missing.contains(topic)) continue;
    if (!parts_.stream.FindTopic(topic)) missing.insert(topic);
  }
  looked_for_ = Clock::System().Steady();
  return missing;
}

/// What fails here is tried again: it is no reason for the feeds to end.
bool ConnectorTask::MissesOthers(const std::set<std::string>& missing) {
  if (Clock::System().Steady() - looked_for_ < kLookForEvery) return false;
  try {
    return MissingTopics() != missing;
  } catch (const Error& error) {
    looked_for_ = Clock::System().Steady();
    LogDebug("connector {}: its topics are looked for later: {}", title_, error.what());
    return false;
  }
}

void ConnectorTask::WaitForTopic(const std::set<std::string>& missing, const std::stop_token& stop) {
  do {
    Clock::System().SleepFor(kLookForEvery, stop);
  } while (!stop.stop_requested() && MissingTopics() == missing);
}

void ConnectorTask::Fail(const std::string& why) {
  ConnectorFailed{.connector = title_, .task = id_, .why = why}.Emit();
  Drop(State::kFailed, why);
}

std::unique_ptr<PipelineRunner> ConnectorTask::MakeRunner(const std::set<std::string>& missing,
                                                          std::function<void(const PipelineRunner&)> tick) {
  PipelineRunner::Options options;
  options.tick = std::move(tick);
  const auto& config = run_->plan.config;
  auto& lake = run_->own_lake ? *run_->own_lake : parts_.lake;
  if (run_->own_lake && id_ == 0) {
    housekeeper_ = std::make_unique<Housekeeper>(config, parts_.directory, lake, parts_.budget);
    options.beside = [this](const std::stop_token& stop) { housekeeper_->Run(stop); };
  }
  auto runner = std::make_unique<PipelineRunner>(std::move(options));
  FeedMaker feeds({config, parts_.directory, lake, parts_.stream, parts_.budget, *runner}, RunLimits{},
                  parts_.on_commit);
  feeds.StartAt(hooks_.starts);
  for (const auto& feed : run_->plan.tasks[static_cast<size_t>(id_)]) {
    if (missing.contains(TopicOf(run_->plan, feed))) continue;
    switch (feed.kind) {
      case ConnectorPlan::Feed::Kind::kSource:
        feeds.AddSource(feed.name, config.sources.at(feed.name));
        break;
      case ConnectorPlan::Feed::Kind::kTable:
        feeds.AddTable(feed.name, config.tables.at(feed.name));
        break;
      case ConnectorPlan::Feed::Kind::kDocuments:
        feeds.AddDocuments(feed.name, config.documents.at(feed.name));
        break;
    }
  }
  return runner;
}

/// What fails here is tried again: it is a note, and no reason for the feeds to end.
void ConnectorTask::NoteTopics(const PipelineRunner& runner) {
  const auto note = [&](const std::string& feed, uint64_t count, const std::string& topic) {
    auto& known = counted_[feed];
    if (count == known) return;
    if (!stream::IsPattern(topic)) {
      hooks_.on_topic(topic);
    } else {  // only the stream knows which these are
      const auto now = Clock::System().Steady();
      if (now - looked_ < kLookEvery) return;
      looked_ = now;
      for (const auto& each : parts_.stream.MatchTopics(topic)) hooks_.on_topic(each.spec.name);
    }
    known = count;
  };
  try {
    for (const auto& source : runner.sources()) {
      note("source " + std::string(source->name()), source->events(), source->topic());
    }
    for (const auto& table : runner.tables()) {
      if (run_->plan.config.sources.contains(table->from())) continue;
      note(table->title(), table->status().counts.records, table->from());
    }
  } catch (const Error& error) {
    LogDebug("connector {}: its topics are noted later: {}", title_, error.what());
  }
}

void ConnectorTask::Forget(std::string trace) {
  std::unique_ptr<PipelineRunner> dropped;
  const std::lock_guard lock(mutex_);
  dropped = std::move(runner_);  // after the lock: readers leave their groups, files close
  trace_ = std::move(trace);
}

void ConnectorTask::Drop(State state, std::string trace) {
  Forget(std::move(trace));
  state_ = state;
  ended_ = true;
  ended_.notify_all();
}

std::string ConnectorTask::trace() const {
  const std::lock_guard lock(mutex_);
  return trace_;
}

void ConnectorTask::Look(const std::function<void(const PipelineRunner&)>& look) const {
  const std::lock_guard lock(mutex_);
  if (runner_) look(*runner_);
}

}  // namespace millrace::app
