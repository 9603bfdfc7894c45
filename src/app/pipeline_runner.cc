#include "app/pipeline_runner.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "io/outage_patience.h"

namespace millrace::app {
namespace {

constexpr auto kRefineAgain = std::chrono::seconds(5);
constexpr auto kLeftToDo = std::chrono::seconds(1);
constexpr auto kTimesEvery = std::chrono::seconds(1);
constexpr auto kTick = std::chrono::milliseconds(100);
/// How long a peer is waited for after a stop: less than the 30 s that Kubernetes gives a container by itself.
constexpr auto kPatience = std::chrono::seconds(20);

}  // namespace

PipelineRunner::PipelineRunner(Options options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

PipelineRunner::~PipelineRunner() = default;

bool PipelineRunner::IntakeDone(const std::string& topic) const {
  return std::ranges::all_of(sources_,
                             [&](const auto& source) { return source->topic() != topic || source->done(); }) &&
         std::ranges::all_of(ingests_, [&](const auto& ingest) { return !ingest->Feeds(topic) || ingest->done(); });
}

void PipelineRunner::NoteCommit() { ++commits_; }

void PipelineRunner::Guard(const std::function<void()>& body) {
  try {
    body();
  } catch (...) {
    {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
    stop_feeds_.request_stop();
  }
}

void PipelineRunner::Refine(std::stop_token stop) {
  uint64_t seen = 0;
  SteadyTime looked{};
  while (clock_.SleepFor(kTick, stop)) {
    try {
      if (options_.at_times && clock_.Steady() - looked >= kTimesEvery) {
        looked = clock_.Steady();
        if (options_.at_times(stop)) ++commits_;
      }
      const uint64_t now = commits_;
      if (now == seen) continue;
      if (options_.after_commits(stop)) {
        seen = now;
      } else {
        clock_.SleepFor(kLeftToDo, stop);
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnavailable) throw;
      if (!stop.stop_requested()) LogWarning("models are tried again: {}", error.what());
      clock_.SleepFor(kRefineAgain, stop);
    }
  }
}

RunReport PipelineRunner::Run(std::stop_token stop) {
  const std::stop_callback forward(stop, [this] { stop_feeds_.request_stop(); });
  std::stop_source abort;
  {
    std::jthread refiner;
    if (options_.after_commits) {
      refiner = std::jthread([this](const std::stop_token& done) {
        const io::OutagePatience stoppable(done, {});
        Guard([&] { Refine(done); });
      });
    }
    std::jthread beside;
    if (options_.beside) {
      beside = std::jthread([this](const std::stop_token& done) {
        const io::OutagePatience stoppable(done, {});
        Guard([&] { options_.beside(done); });
      });
    }
    std::vector<std::jthread> threads;
    const auto start = [&](std::function<void()> body) {
      ++feeds_running_;
      threads.emplace_back([this, body = std::move(body)] {
        Guard(body);
        --feeds_running_;
      });
    };
    for (auto& feed : sources_) {
      start([this, &feed] { feed->Run(stop_feeds_.get_token()); });
    }
    for (auto& feed : tables_) {
      start([this, &feed, &abort] { feed->Run(stop_feeds_.get_token(), abort.get_token()); });
    }
    WatchUntilFeedsEnd();
    if (feeds_running_ > 0) abort.request_stop();
  }
  if (error_) std::rethrow_exception(error_);
  return Report();
}

void PipelineRunner::WatchUntilFeedsEnd() {
  const auto began = clock_.Steady();
  std::optional<SteadyTime> stopped_at;
  // Without anything to drain to, the pipeline goes on until it is told to stop.
  while (feeds_running_ > 0 || ((!options_.until_idle || !IngestsDone()) && !stop_feeds_.stop_requested())) {
    clock_.SleepFor(kTick, {});
    if (options_.tick) options_.tick(*this);
    CloseIngests(began);
    if (!stop_feeds_.stop_requested()) continue;
    if (!stopped_at) stopped_at = clock_.Steady();
    if (clock_.Steady() - *stopped_at > kPatience) return;
  }
}

void PipelineRunner::CloseIngests(SteadyTime began) {
  if (!options_.intake_time || clock_.Steady() - began < *options_.intake_time) return;
  for (const auto& ingest : ingests_) ingest->Close();
}

bool PipelineRunner::IngestsDone() const {
  return std::ranges::all_of(ingests_, [](const auto& ingest) { return ingest->done(); });
}

RunReport PipelineRunner::Report() const {
  RunReport report;
  report.drained = std::all_of(tables_.begin(), tables_.end(), [](const auto& table) { return table->drained(); }) &&
                   std::all_of(sources_.begin(), sources_.end(), [](const auto& source) { return source->done(); });
  for (const auto& source : sources_) report.events += source->events();
  for (const auto& ingest : ingests_) report.events += ingest->events();
  for (const auto& table : tables_) report.tables.push_back({table->table(), table->status().counts, table->drained()});
  return report;
}

}  // namespace millrace::app
