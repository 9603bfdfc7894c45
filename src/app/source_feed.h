#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "app/feed_account.h"
#include "base/byte_budget.h"
#include "event/source.h"
#include "event/stream.h"

namespace millrace::app {

/// Carries one source into one topic. The append and the move of the source's position are one transaction of the
/// stream, so a crash between any two steps repeats nothing and loses nothing. Run belongs to one thread; the counters
/// may be read by others.
class SourceFeed {
 public:
  struct Options {
    std::string producer;  // stable: its positions are stored under it
    std::string topic;
    size_t read_bytes = event::ReadLimits{}.bytes_max;
    bool until_idle = false;
    std::optional<std::chrono::milliseconds> time{};  // after this it counts as at its end
  };
  SourceFeed(std::unique_ptr<event::Source> source, event::Stream& stream, ByteBudget& budget, Options options);

  /// Until the source ends, is idle (when that is asked for), or a stop is requested. Error kStop when somebody else
  /// keeps moving the source's position.
  void Run(std::stop_token stop);

  std::string_view name() const { return source_->name(); }
  const std::string& topic() const { return options_.topic; }
  uint64_t events() const { return events_; }
  bool done() const { return done_; }
  FeedState state() const { return state_; }
  /// It waits for the memory budget.
  bool paused() const { return paused_; }
  /// Why nothing comes; empty when there is nothing to say.
  std::string WaitsFor() const { return source_->WaitsFor(); }

 private:
  void RunToEnd(const std::stop_token& stop);
  /// Idle is the end; not where a time is given, as more may come in it.
  bool Drains() const { return options_.until_idle && !options_.time; }
  void Append(const event::EventBatchPtr& batch);
  void SeekToStored();

  std::unique_ptr<event::Source> source_;
  event::Stream& stream_;
  ByteBudget& budget_;
  const Options options_;
  int fenced_in_a_row_ = 0;
  std::atomic<uint64_t> events_ = 0;
  std::atomic<bool> done_ = false;
  std::atomic<bool> paused_ = false;
  std::atomic<FeedState> state_ = FeedState::kStarting;
};

}  // namespace millrace::app
