#include "app/feed_topic.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <thread>

#include "app/plan.h"
#include "app/progress.h"
#include "app/signal_stop.h"
#include "app/storage.h"
#include "base/clock.h"
#include "event/append_ahead.h"

namespace millrace::app {
namespace {

/// Batches of 4 MiB at most that a stream may be sending while it gets the next one.
constexpr size_t kAheadMax = 5;

/// Of a topic that is not there yet.
event::TopicSpec SpecFor(const PipelineConfig& pipeline, const std::string& topic) {
  for (auto& spec : TopicsOf(pipeline)) {
    if (spec.name == topic) return spec;
  }
  event::TopicSpec spec;
  spec.name = topic;
  return spec;
}

/// Some records of a batch.
event::EventBatchPtr PartOf(const event::EventBatchPtr& batch, size_t begin, size_t end) {
  if (begin == 0 && end == batch->size()) return batch;
  auto part = std::make_shared<event::EventBatch>(*batch);
  const auto cut = [&](auto& items) {
    if (items.empty()) return;
    items.erase(items.begin() + static_cast<ptrdiff_t>(end), items.end());
    items.erase(items.begin(), items.begin() + static_cast<ptrdiff_t>(begin));
  };
  cut(part->records);
  cut(part->keys);
  cut(part->headers);
  cut(part->offsets);
  cut(part->timestamps);
  if (part->offsets.empty()) part->base_offset += static_cast<int64_t>(begin);
  return part;
}

/// Appends in portions that keep to a rate, and counts.
class Appender {
 public:
  Appender(event::Stream& stream, const FeedOptions& options, const std::stop_token& stop)
      : stream_(stream),
        ahead_(dynamic_cast<event::AppendsAhead*>(&stream)),
        options_(options),
        stop_(stop),
        begin_(Clock::System().Steady()) {}

  int64_t count() const { return count_; }
  bool full() const { return options_.rows_max && count_ >= *options_.rows_max; }

  void Append(const event::EventBatchPtr& batch) {
    size_t size = batch->size();
    if (options_.rows_max) size = std::min(size, static_cast<size_t>(*options_.rows_max - count_));
    // Ten portions a second, so that the rate is one and no row of jolts.
    const size_t portion = options_.rate ? static_cast<size_t>(std::max<int64_t>(1, *options_.rate / 10)) : size;
    for (size_t at = 0; at < size && !stop_.stop_requested(); at += portion) {
      const size_t end = std::min(size, at + portion);
      Send({.topic = options_.topic,
            .events = WithHeaders(PartOf(batch, at, end)),
            .position = std::nullopt,
            .idempotency_key = {}});
      count_ += static_cast<int64_t>(end - at);
      KeepRate();
    }
  }

  /// Returns when everything is durable.
  void Finish() { AwaitAllBut(0); }

 private:
  void Send(const event::AppendRequest& request) {
    if (ahead_ == nullptr) {
      stream_.Append(request);
      return;
    }
    pending_.push_back(ahead_->BeginAppend(request));
    AwaitAllBut(kAheadMax);
  }

  void AwaitAllBut(size_t count) {
    for (; pending_.size() > count; pending_.pop_front()) pending_.front()->Await();
  }

  event::EventBatchPtr WithHeaders(event::EventBatchPtr batch) const {
    if (options_.headers.empty()) return batch;
    auto with = std::make_shared<event::EventBatch>(*batch);
    event::SetHeaders(options_.headers, *with);
    return with;
  }

  void KeepRate() const {
    if (!options_.rate) return;
    const std::chrono::duration<double> due(static_cast<double>(count_) / static_cast<double>(*options_.rate));
    const auto early = due - (Clock::System().Steady() - begin_);
    if (early.count() > 0) {
      Clock::System().SleepFor(std::chrono::duration_cast<std::chrono::nanoseconds>(early), stop_);
    }
  }

  event::Stream& stream_;
  event::AppendsAhead* const ahead_;  // null: the stream takes a batch at a time
  std::deque<std::unique_ptr<event::PendingAppend>> pending_;
  const FeedOptions& options_;
  const std::stop_token stop_;
  const SteadyTime begin_;
  int64_t count_ = 0;
};

}  // namespace

ExitCode FeedTopic(const PipelineConfig& pipeline, std::unique_ptr<event::Source> source, const FeedOptions& options) {
  const SignalStop stop;
  const auto opened = OpenStreamFor(StreamUse::kAppend, pipeline);
  std::jthread ready;
  if (auto* ahead = dynamic_cast<event::AppendsAhead*>(opened.stream.get())) {
    ready = std::jthread([ahead] { ahead->GetReady(); });
  }
  if (!opened.stream->FindTopic(options.topic)) opened.stream->EnsureTopic(SpecFor(pipeline, options.topic));
  Progress progress("append");
  Appender appender(*opened.stream, options, stop.token());
  while (!stop.signalled() && !appender.full()) {
    const auto read = source->Read({}, stop.token());
    if (read.state == event::ReadState::kExhausted) break;
    if (read.state != event::ReadState::kBatch) continue;
    appender.Append(options.make ? options.make(read.batch) : read.batch);
    std::optional<double> share;
    if (options.rows_max && *options.rows_max > 0) {
      share = static_cast<double>(appender.count()) / static_cast<double>(*options.rows_max);
    }
    progress.Show(appender.count(), share);
  }
  appender.Finish();
  fmt::print(stderr, "appended {} events to {}\n", appender.count(), options.topic);
  return stop.signalled() ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace millrace::app
