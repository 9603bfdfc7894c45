#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_budget.h"
#include "event/event_batch.h"
#include "event/sink.h"
#include "land/lane.h"

namespace millrace::land {

/// The lanes of a table sink and their threads, fed in order from one bounded queue. Driven by one thread. Dropping it
/// stops the threads and deletes the files nobody asked for.
class LanePool {
 public:
  /// `context.in_turn` and `context.stop` are set here.
  LanePool(LaneContext context, int lanes, const std::function<std::unique_ptr<event::Decoder>()>& decoder,
           const std::string& file_prefix);
  ~LanePool();
  LanePool(const LanePool&) = delete;
  LanePool& operator=(const LanePool&) = delete;

  /// Waits for room in the budget and the queue, then returns. Throws what a lane failed with. A stop ends lanes that
  /// wait for a peer, and so whoever waits for them, and waiting for the budget (Error kUnavailable).
  void Submit(event::EventBatchPtr events, const std::stop_token& stop);

  /// Waits until everything submitted is decoded, and encoded where that is worth it. Throws what a lane failed with. A
  /// stop is as for Finish.
  void Rest(const std::stop_token& stop);

  /// Waits until everything submitted is encoded and gives the files of all lanes. Throws what a lane failed with. A
  /// stop ends a lane that waits for the catalogue or the store (Error kUnavailable), not one that works.
  std::vector<table::DataFile> Finish(const std::stop_token& stop);

  /// Of what was encoded since the pool was made, or they were taken.
  event::SinkCounts counts() const;
  event::SinkCounts TakeCounts();
  LaneTimes TakeTimes();
  int64_t encoded_bytes() const { return encoded_bytes_; }
  /// The columns a lane's decoder was made with; null when none. Only between Finish and Submit.
  std::shared_ptr<arrow::Schema> decoder_columns() const { return workers_.front()->lane.decoder_columns(); }

 private:
  struct Task {
    uint64_t sequence = 0;
    event::EventBatchPtr events;
    Reservation reservation;
  };
  struct Worker {
    explicit Worker(Lane its) : lane(std::move(its)) {}
    Lane lane;
    uint64_t finished_round = 0;
    bool rests = false;
    int64_t encoded_bytes = 0;
    std::vector<table::DataFile> files;
    std::thread thread;
  };

  void Run(Worker& worker);
  void Step(Worker& worker, std::unique_lock<std::mutex>& lock);
  void TellWaitsForMemory(bool waits);
  Reservation Reserve(int64_t bytes, const std::stop_token& stop);
  void Fail();
  void ThrowIfFailed();
  void InTurn(uint64_t sequence, const std::function<void()>& body);

  LaneContext context_;
  std::stop_source stop_;
  std::stop_source outages_;  // nobody waits for a catalogue or a store any more
  std::stop_source failed_;   // nobody waits for memory that a failed lane holds
  mutable std::mutex mutex_;
  std::condition_variable work_;  // for lanes: a task, a new round, the end
  std::condition_variable done_;  // for the driver: room in the queue, a round finished, a failure
  std::condition_variable turn_;  // for lanes: the next batch may claim its keys
  std::deque<Task> queue_;
  bool waits_for_memory_ = false;  // the driver does, to submit
  uint64_t submitted_ = 0;
  uint64_t next_turn_ = 0;
  uint64_t round_ = 0;
  std::exception_ptr failure_;
  event::SinkCounts counts_;
  LaneTimes times_;
  std::atomic<int64_t> encoded_bytes_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace millrace::land
