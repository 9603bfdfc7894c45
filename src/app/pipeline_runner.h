#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "app/source_feed.h"
#include "app/table_feed.h"
#include "base/clock.h"
#include "source/http_ingest/http_intake.h"

namespace millrace::app {

/// How a run went.
struct RunReport {
  bool drained = false;  // every source and table came to its end
  uint64_t events = 0;   // taken from sources into topics
  struct Table {
    std::string name;
    event::SinkCounts counts;
    bool drained = false;
  };
  std::vector<Table> tables;
};

/// Runs the feeds of a pipeline, one thread each, and the work that is done beside them. When one fails, all are
/// stopped as a signal would stop them (what was read is committed), and its error is thrown.
///
/// Stop order: sources stop reading; tables stop reading and commit what they have; then whatever refines them.
class PipelineRunner {
 public:
  struct Options {
    bool until_idle = false;
    /// After this, what takes events over HTTP takes no more.
    std::optional<std::chrono::milliseconds> intake_time{};
    /// Called in a thread of its own, after at least one commit since the last call, and again after a while when it
    /// says false; null: nothing to do.
    std::function<bool(std::stop_token stop)> after_commits;
    /// Called in that thread about once a second; true says that it may have committed. Null: nothing to do.
    std::function<bool(std::stop_token stop)> at_times;
    /// Runs in a thread of its own from start to stop, beside the feeds.
    std::function<void(std::stop_token stop)> beside;
    /// Called about ten times a second by the thread of Run.
    std::function<void(const PipelineRunner&)> tick;
  };

  PipelineRunner(Options options, const Clock& clock = Clock::System());
  ~PipelineRunner();
  PipelineRunner(const PipelineRunner&) = delete;
  PipelineRunner& operator=(const PipelineRunner&) = delete;

  void AddSource(std::unique_ptr<SourceFeed> feed) { sources_.push_back(std::move(feed)); }
  void AddIngest(std::unique_ptr<source::HttpIntake> ingest) { ingests_.push_back(std::move(ingest)); }
  void AddTable(std::unique_ptr<TableFeed> feed) { tables_.push_back(std::move(feed)); }

  const std::vector<std::unique_ptr<SourceFeed>>& sources() const { return sources_; }
  const std::vector<std::unique_ptr<source::HttpIntake>>& ingests() const { return ingests_; }
  const std::vector<std::unique_ptr<TableFeed>>& tables() const { return tables_; }

  /// True once no source will append to `topic` again in this run.
  bool IntakeDone(const std::string& topic) const;
  /// A table committed: wakes what refines.
  void NoteCommit();

  RunReport Run(std::stop_token stop);

 private:
  void Guard(const std::function<void()>& body);
  void Refine(std::stop_token stop);
  void WatchUntilFeedsEnd();
  void CloseIngests(SteadyTime began);
  bool IngestsDone() const;
  RunReport Report() const;

  const Options options_;
  const Clock& clock_;
  std::vector<std::unique_ptr<SourceFeed>> sources_;
  std::vector<std::unique_ptr<source::HttpIntake>> ingests_;
  std::vector<std::unique_ptr<TableFeed>> tables_;

  std::stop_source stop_feeds_;
  std::atomic<int> feeds_running_ = 0;
  std::atomic<uint64_t> commits_ = 0;
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace millrace::app
