#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "app/feed_account.h"
#include "app/read_turns.h"
#include "event/sink.h"
#include "event/source.h"

namespace millrace::app {

/// Carries one reader (of a topic, or a source itself) into one table, or into documents as if they were one. The
/// reader is acknowledged only up to what has landed for certain. When the reader's splits change, what was read is
/// committed and the table's positions are read anew: another worker may have landed more of a split that comes. Run
/// belongs to one thread; status() may be called by others.
class TableFeed {
 public:
  struct Options {
    std::string table;
    std::string title;                       // "table silver.users", in errors
    std::string from;                        // the topic, or the source, it reads
    std::string topic;                       // the same for a topic; empty: a source itself
    std::chrono::milliseconds freshness{0};  // events are to be visible so soon
    size_t read_bytes = event::ReadLimits{}.bytes_max;
    /// Given: where a read brings as much as it may, the next ones wait for a turn, and bring more in it.
    std::shared_ptr<ReadTurns> turns{};
    /// Given: the feed is done once this says that nothing more will come and the reader is idle.
    std::function<bool()> intake_done;
    std::chrono::milliseconds settle{0};              // it is idle for this long before it is done
    std::optional<std::chrono::milliseconds> time{};  // it is read no longer than this
    std::function<void()> on_commit;
  };
  TableFeed(std::unique_ptr<event::Source> reader, std::shared_ptr<event::Sink> sink, Options options);

  /// Until drained (when that is asked for) or `stop`; in both cases what was read is committed first. `abort` gives up
  /// waiting for a peer: a commit whose outcome cannot be learnt, files that nobody takes.
  void Run(std::stop_token stop, std::stop_token abort);

  const std::string& table() const { return options_.table; }
  const std::string& title() const { return options_.title; }
  const std::string& from() const { return options_.from; }
  std::chrono::milliseconds freshness() const { return options_.freshness; }
  TableStatus status() const;
  bool drained() const { return drained_; }

 private:
  void Recover();
  /// The same while it runs: an outage is waited out, until there is nothing more to do.
  void RecoverAgain(const std::stop_token& stop, const std::stop_token& abort);
  bool MayRead(const std::stop_token& stop);
  /// False when nothing more will come.
  bool ReadOnce(std::stop_token stop, std::stop_token abort);
  void Write(event::EventBatchPtr batch, size_t bytes_max, const std::stop_token& abort);
  /// False when reading starts over: another writer was faster, or what was read is not what it was taken for.
  bool Commit(const std::stop_token& stop, const std::stop_token& abort);
  void Publish();
  bool TimeIsUp() const;
  bool Settled();
  void RunUntilAborted(const std::stop_token& stop, const std::stop_token& abort);
  void RunToEnd(const std::stop_token& stop, const std::stop_token& abort);

  std::unique_ptr<event::Source> reader_;
  std::shared_ptr<event::Sink> sink_;
  const Options options_;
  SteadyTime began_{};
  std::optional<SteadyTime> quiet_since_;
  std::atomic<bool> drained_ = false;
  FeedAccount account_;
  event::WaitBoard recovery_;
  bool behind_ = false;  // the last read brought as much as it might
  std::optional<SteadyTime> waits_since_;
  std::atomic<bool> waits_for_turn_ = false;
  ReadTurns::Turn turn_;
};

}  // namespace millrace::app
