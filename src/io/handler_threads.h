#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace millrace::io {

/// Threads for work that may block, made when none is idle and ended after a while without work. Whoever calls Run
/// bounds how much is under way. Dropping it waits for what runs.
class HandlerThreads {
 public:
  explicit HandlerThreads(std::chrono::milliseconds idle = std::chrono::seconds(10)) : idle_(idle) {}
  ~HandlerThreads();
  HandlerThreads(const HandlerThreads&) = delete;
  HandlerThreads& operator=(const HandlerThreads&) = delete;

  /// Never waits. `task` throws nothing. Error kUnavailable when there is no thread at all and none can be made.
  void Run(std::function<void()> task);

 private:
  void Work(std::list<std::thread>::iterator self);

  const std::chrono::milliseconds idle_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::function<void()>> queue_;
  std::list<std::thread> threads_;
  std::list<std::thread> ended_;
  size_t waiting_ = 0;
  bool stopping_ = false;
};

}  // namespace millrace::io
