#include "source/mongodb/mongo_range_readers.h"

#include <utility>

namespace millrace::source {

MongoRangeReaders::MongoRangeReaders(std::vector<std::unique_ptr<MongoSpanReader>> readers, event::ReadLimits limits)
    : limits_(limits), ready_max_(readers.size()), running_(readers.size()) {
  for (auto& each : readers) {
    threads_.emplace_back([this, reader = std::move(each)](const std::stop_token& stop) mutable {
      ReadAll(*reader, stop);
      reader.reset();  // its connection may be the one that another waits for
    });
  }
}

MongoRangeReaders::~MongoRangeReaders() {
  for (auto& thread : threads_) thread.request_stop();
}

void MongoRangeReaders::ReadAll(MongoSpanReader& reader, const std::stop_token& stop) {
  std::exception_ptr failure;
  try {
    while (auto batch = stop.stop_requested() ? nullptr : reader.Take(limits_)) {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return ready_.size() < ready_max_; })) break;
      ready_.push_back(std::move(batch));
      changed_.notify_all();
    }
  } catch (...) {
    failure = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  --running_;
  if (failure && !failure_) failure_ = failure;
  changed_.notify_all();
}

MongoRangeReaders::Taken MongoRangeReaders::Next(std::chrono::milliseconds wait, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, wait, [&] { return !ready_.empty() || failure_ || running_ == 0; });
  if (!ready_.empty()) {
    auto batch = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return {.batch = std::move(batch), .ended = false};
  }
  if (failure_) std::rethrow_exception(failure_);
  return {.batch = nullptr, .ended = running_ == 0};
}

}  // namespace millrace::source
