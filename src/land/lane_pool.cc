#include "land/lane_pool.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/scheduling.h"
#include "land/through_outage.h"

namespace millrace::land {
namespace {

/// How often an idle lane that holds memory looks whether somebody waits for it: its own table, or another one.
constexpr std::chrono::milliseconds kIdle{50};
constexpr std::chrono::milliseconds kIdleForOthers{400};
constexpr size_t kQueuedPerLane = 2;

}  // namespace

LanePool::LanePool(LaneContext context, int lanes, const std::function<std::unique_ptr<event::Decoder>()>& decoder,
                   const std::string& file_prefix)
    : context_(std::move(context)) {
  context_.stop = outages_.get_token();
  context_.in_turn = [this](uint64_t sequence, const std::function<void()>& body) { InTurn(sequence, body); };
  for (int i = 0; i < lanes; ++i) {
    workers_.push_back(std::make_unique<Worker>(Lane(context_, decoder(), file_prefix + "-" + std::to_string(i))));
  }
  for (auto& worker : workers_) worker->thread = std::thread([this, &worker = *worker] { Run(worker); });
}

LanePool::~LanePool() {
  // Files of a table that an outage ended stay: nobody waits for a store that does not answer to delete them.
  std::optional<io::OutagePatience> impatient;
  if (outages_.stop_requested()) impatient.emplace(outages_.get_token(), io::OutagePatience::Watcher{});
  {
    const std::lock_guard lock(mutex_);
    stop_.request_stop();
    outages_.request_stop();
    queue_.clear();
  }
  work_.notify_all();
  turn_.notify_all();
  for (auto& worker : workers_) {
    worker->thread.join();
    worker->lane.Discard();
  }
}

void LanePool::Run(Worker& worker) {
  WorkInBatches();
  const StoreOutage outage(context_.board, context_.clock, context_.stop);
  std::unique_lock lock(mutex_);
  while (!stop_.stop_requested()) {
    try {
      Step(worker, lock);
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      Fail();
    }
    if (failure_) work_.wait(lock, [&] { return stop_.stop_requested(); });
  }
}

/// One task, or the end of a round, or a rest, or a look at the budget.
void LanePool::Step(Worker& worker, std::unique_lock<std::mutex>& lock) {
  const auto called = [&] {
    return stop_.stop_requested() || !queue_.empty() || worker.finished_round != round_ || worker.rests;
  };
  bool woken = true;
  if (worker.lane.holds_memory()) {
    const bool by_own = work_.wait_for(lock, kIdleForOthers, [&] { return called() || waits_for_memory_; });
    woken = called() || (by_own && work_.wait_for(lock, kIdle, called));
  } else {
    work_.wait(lock, called);
  }
  if (stop_.stop_requested()) return;
  if (!woken) {
    lock.unlock();
    if (context_.budget.under_pressure()) worker.lane.Relieve();
    lock.lock();
    return;
  }
  std::vector<table::DataFile> files;
  const bool processes = !queue_.empty();
  const bool finishing = !processes && worker.finished_round != round_;
  Task task;
  if (processes) {
    task = std::move(queue_.front());
    queue_.pop_front();
  }
  lock.unlock();
  done_.notify_one();
  if (processes) {
    worker.lane.Process(task.sequence, *task.events);
  } else if (finishing) {
    files = worker.lane.Finish();
  } else {
    worker.lane.Rest();
  }
  const event::SinkCounts counts = worker.lane.TakeCounts();
  const LaneTimes times = worker.lane.TakeTimes();
  const int64_t encoded = worker.lane.encoded_bytes();
  task = {};
  lock.lock();
  AddCounts(counts, counts_);
  times_.decode.Add(times.decode);
  times_.encode.Add(times.encode);
  encoded_bytes_ += encoded - std::exchange(worker.encoded_bytes, encoded);
  if (processes) return;
  worker.rests = false;
  if (finishing) {
    worker.files = std::move(files);
    worker.finished_round = round_;
  }
  done_.notify_one();
}

void LanePool::Fail() {
  if (!failure_) failure_ = std::current_exception();
  failed_.request_stop();
  done_.notify_all();
  turn_.notify_all();
}

void LanePool::ThrowIfFailed() {
  if (failure_) std::rethrow_exception(failure_);
}

void LanePool::InTurn(uint64_t sequence, const std::function<void()>& body) {
  std::unique_lock lock(mutex_);
  turn_.wait(lock, [&] { return next_turn_ == sequence || failure_ || stop_.stop_requested(); });
  if (next_turn_ != sequence) throw Error(ErrorCode::kUnavailable, "stopped before this batch's turn came");
  lock.unlock();  // it is this batch's turn, and nobody else's
  body();
  lock.lock();
  ++next_turn_;
  turn_.notify_all();
}

void LanePool::TellWaitsForMemory(bool waits) {
  {
    const std::lock_guard lock(mutex_);
    waits_for_memory_ = waits;
  }
  if (waits) work_.notify_all();
}

Reservation LanePool::Reserve(int64_t bytes, const std::stop_token& stop) {
  std::stop_source ends;
  const std::stop_callback on_failure(failed_.get_token(), [&ends] { ends.request_stop(); });
  const std::stop_callback on_stop(stop, [&ends] { ends.request_stop(); });
  const bool waits = context_.budget.used() + bytes > context_.budget.limit();
  if (waits) TellWaitsForMemory(true);
  auto reservation = context_.budget.Reserve(bytes, ends.get_token());
  if (waits) TellWaitsForMemory(false);
  return reservation;
}

void LanePool::Submit(event::EventBatchPtr events, const std::stop_token& stop) {
  const std::stop_callback give_up(stop, [this] { outages_.request_stop(); });
  Reservation reservation = Reserve(events->bytes(), stop);
  std::unique_lock lock(mutex_);
  ThrowIfFailed();
  if (reservation.bytes() < events->bytes()) {
    throw Error(ErrorCode::kUnavailable, "others hold the memory that this table waits for");
  }
  done_.wait(lock, [&] { return failure_ || queue_.size() < kQueuedPerLane * workers_.size(); });
  ThrowIfFailed();
  queue_.push_back({.sequence = submitted_++, .events = std::move(events), .reservation = std::move(reservation)});
  work_.notify_one();
}

void LanePool::Rest(const std::stop_token& stop) {
  const std::stop_callback give_up(stop, [this] { outages_.request_stop(); });
  std::unique_lock lock(mutex_);
  for (auto& worker : workers_) worker->rests = true;
  work_.notify_all();
  done_.wait(lock, [&] {
    return failure_ || std::ranges::none_of(workers_, [](const auto& worker) { return worker->rests; });
  });
  ThrowIfFailed();
}

std::vector<table::DataFile> LanePool::Finish(const std::stop_token& stop) {
  const std::stop_callback give_up(stop, [this] { outages_.request_stop(); });
  std::unique_lock lock(mutex_);
  ++round_;
  work_.notify_all();
  done_.wait(lock, [&] {
    return failure_ ||
           std::ranges::all_of(workers_, [&](const auto& worker) { return worker->finished_round == round_; });
  });
  ThrowIfFailed();
  std::vector<table::DataFile> files;
  for (auto& worker : workers_) {
    for (auto& file : worker->files) files.push_back(std::move(file));
    worker->files.clear();
  }
  return files;
}

event::SinkCounts LanePool::TakeCounts() {
  const std::lock_guard lock(mutex_);
  return std::exchange(counts_, {});
}

LaneTimes LanePool::TakeTimes() {
  const std::lock_guard lock(mutex_);
  return std::exchange(times_, {});
}

event::SinkCounts LanePool::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace millrace::land
