#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <iterator>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace millrace::telemetry {

/// A bounded queue of things that others are told, and the thread that tells them. Putting never waits. Dropping it
/// sends what is left, for as long as `last_time` lets it.
template <typename T>
class Outbox {
 public:
  struct Options {
    size_t items_max = 2048;                    // more are dropped
    size_t batch_max = 512;                     // handed on at once
    std::chrono::milliseconds delay{5000};      // an item waits no longer for others
    std::chrono::milliseconds last_time{5000};  // for sending at the end
  };
  /// `send` takes a batch, in the outbox's thread; it may take long, and ends early when the token is stopped.
  using Send = std::function<void(std::vector<T> batch, const std::stop_token& stop)>;

  Outbox(Options options, Send send) : options_(options), send_(std::move(send)) {
    thread_ = std::thread([this] { Run(); });
  }

  ~Outbox() {
    {
      std::unique_lock lock(mutex_);
      ends_ = true;
      wake_.notify_all();
      // What the thread is at may wait for a peer: at the end of its time it is told to stop.
      done_.wait_for(lock, options_.last_time, [&] { return finished_; });
    }
    give_up_.request_stop();
    thread_.join();
  }
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// False when there was no room.
  bool Put(T item) {
    const std::lock_guard lock(mutex_);
    if (ends_ || queue_.size() >= options_.items_max) return false;
    queue_.push_back(std::move(item));
    if (queue_.size() == 1 || queue_.size() == options_.batch_max) wake_.notify_one();
    return true;
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return ends_ || !queue_.empty(); });
      wake_.wait_for(lock, options_.delay, [&] { return ends_ || queue_.size() >= options_.batch_max; });
      if (queue_.empty()) break;
      const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), options_.batch_max));
      std::vector<T> batch(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.begin() + count));
      queue_.erase(queue_.begin(), queue_.begin() + count);
      lock.unlock();
      send_(std::move(batch), give_up_.get_token());
      lock.lock();
    }
    finished_ = true;
    done_.notify_all();
  }

  const Options options_;
  const Send send_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::deque<T> queue_;
  bool ends_ = false;
  bool finished_ = false;
  std::stop_source give_up_;
  std::thread thread_;
};

}  // namespace millrace::telemetry
