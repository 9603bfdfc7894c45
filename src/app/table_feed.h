#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "event/sink.h"
#include "event/source.h"

namespace millrace::app {

/// What a table's feed says of itself.
struct TableStatus {
  event::SinkCounts counts;
  event::Lag lag;
  std::string waits_for;
};

/// Carries one reader (of a topic, or a source itself) into one table. The reader is acknowledged only up to what has
/// landed for certain. Run belongs to one thread; status() may be called by others.
class TableFeed {
 public:
  struct Options {
    std::string table;
    /// Given: the feed is done once this says that nothing more will come and the reader is idle.
    std::function<bool()> intake_done;
    std::function<void()> on_commit;
  };
  TableFeed(std::unique_ptr<event::Source> reader, std::shared_ptr<event::Sink> sink, Options options);

  /// Until drained (when that is asked for) or `stop`; in both cases what was read is committed first. `abort` gives up
  /// a commit whose outcome cannot be learnt.
  void Run(std::stop_token stop, std::stop_token abort);

  const std::string& table() const { return options_.table; }
  TableStatus status() const;
  bool drained() const { return drained_; }

 private:
  void Recover();
  /// False when nothing more will come.
  bool ReadOnce(std::stop_token stop);
  /// False when another writer was faster and reading starts over.
  bool Commit(std::stop_token abort);
  void Publish();

  std::unique_ptr<event::Source> reader_;
  std::shared_ptr<event::Sink> sink_;
  const Options options_;
  std::atomic<bool> drained_ = false;
  mutable std::mutex mutex_;
  TableStatus status_;
};

}  // namespace millrace::app
