#include "io/handler_threads.h"

#include <system_error>
#include <utility>

#include "base/error.h"

namespace millrace::io {

HandlerThreads::~HandlerThreads() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (;;) {
    std::list<std::thread> some;
    {
      const std::lock_guard lock(mutex_);
      if (threads_.empty() && ended_.empty()) return;
      some.splice(some.end(), ended_.empty() ? threads_ : ended_);
    }
    for (auto& thread : some) thread.join();
  }
}

void HandlerThreads::Run(std::function<void()> task) {
  std::list<std::thread> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(ended_);
    queue_.push_back(std::move(task));
    if (waiting_ < queue_.size()) {
      const auto self = threads_.emplace(threads_.end());
      try {
        *self = std::thread([this, self] { Work(self); });
      } catch (const std::system_error&) {
        threads_.erase(self);
        if (threads_.empty()) {
          queue_.pop_back();
          throw Error(ErrorCode::kUnavailable, "no thread can be started; try again later");
        }
      }
    }
  }
  work_.notify_one();
  for (auto& thread : ended) thread.join();
}

void HandlerThreads::Work(std::list<std::thread>::iterator self) {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++waiting_;
    const bool woken = work_.wait_for(lock, idle_, [&] { return stopping_ || !queue_.empty(); });
    --waiting_;
    if (!queue_.empty()) {
      const auto task = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      task();
      lock.lock();
      continue;
    }
    if (stopping_) return;  // joined by the destructor
    if (!woken) return ended_.splice(ended_.end(), threads_, self);
  }
}

}  // namespace millrace::io
