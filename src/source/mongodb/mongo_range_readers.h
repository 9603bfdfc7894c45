#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "source/mongodb/mongo_span_reader.h"

namespace millrace::source {

/// Reads several spans to their ends, each in a thread of its own. As many batches wait as there are spans, and each
/// thread has one more in hand. Driven by one thread; its end waits for requests under way.
class MongoRangeReaders {
 public:
  MongoRangeReaders(std::vector<std::unique_ptr<MongoSpanReader>> readers, event::ReadLimits limits);
  ~MongoRangeReaders();

  struct Taken {
    event::EventBatchPtr batch;  // null: none came within the time, or `ended`
    bool ended = false;
  };
  /// A batch of any span. Error of the first reader that failed, when what came before is taken; it is over then.
  Taken Next(std::chrono::milliseconds wait, const std::stop_token& stop);

 private:
  void ReadAll(MongoSpanReader& reader, const std::stop_token& stop);

  const event::ReadLimits limits_;
  const size_t ready_max_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<event::EventBatchPtr> ready_;
  size_t running_ = 0;
  std::exception_ptr failure_;
  std::vector<std::jthread> threads_;  // last: they end first
};

}  // namespace millrace::source
