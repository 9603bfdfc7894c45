#include "stream/kafka/kafka_reader.h"

#include <algorithm>
#include <utility>

#include "stream/kafka/poll_thread.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;

/// To learn whether there is more, a reader that drains waits longer than it was told to.
constexpr milliseconds kLookPatience{5000};
/// The lag is computed this often at most: it costs a look at every partition.
constexpr milliseconds kLagAge{200};

}  // namespace

KafkaReader::KafkaReader(const KafkaOptions& options, std::shared_ptr<Admin> admin, ByteBudget* budget,
                         std::string subscription, event::ReaderOptions reader)
    : subscription_(std::move(subscription)), options_(std::move(reader)), shared_(options_.starts) {
  thread_ = std::make_unique<PollThread>(options, std::move(admin), budget, subscription_, options_, shared_);
}

KafkaReader::~KafkaReader() = default;

void KafkaReader::Seek(const event::Positions& positions) {
  {
    const std::lock_guard lock(shared_.mutex);
    shared_.ledger.Seek(positions);
  }
  thread_->Wake();
}

event::ReadResult KafkaReader::Read(const event::ReadLimits& limits, std::stop_token stop) {
  const auto begin = std::chrono::steady_clock::now();
  const auto deadline = begin + limits.wait;
  std::unique_lock lock(shared_.mutex);
  uint64_t asked = 0;
  for (;;) {
    if (shared_.ledger.reassigned()) return {event::ReadState::kReassigned, nullptr};
    if (auto batch = shared_.ledger.Pop(limits.bytes_max)) {
      lock.unlock();
      shared_.room.notify_one();
      return {event::ReadState::kBatch, std::move(batch)};
    }
    // What came before the failure is good.
    if (shared_.failure) std::rethrow_exception(shared_.failure);
    if (stop.stop_requested()) return {event::ReadState::kWaiting, nullptr};
    if (asked == 0) {
      asked = ++shared_.reads;
      thread_->Wake();
    }
    const bool known = shared_.looked >= asked;
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline && known) {
      return {shared_.drained ? event::ReadState::kIdle : event::ReadState::kWaiting, nullptr};
    }
    if (now >= deadline && (!options_.drains || now >= begin + kLookPatience)) {
      return {event::ReadState::kWaiting, nullptr};
    }
    const auto until = known || !options_.drains ? deadline : std::max(deadline, begin + kLookPatience);
    const auto seen = shared_.looked;
    shared_.ready.wait_until(lock, stop, until, [&] {
      return shared_.ledger.reassigned() || shared_.ledger.has_batch() || shared_.failure || shared_.looked != seen;
    });
  }
}

void KafkaReader::Acknowledge(const event::Positions& positions) {
  const std::lock_guard lock(shared_.mutex);
  shared_.ledger.Acknowledge(positions);
}

bool KafkaReader::ConfirmRead(std::stop_token stop) {
  std::unique_lock lock(shared_.mutex);
  if (shared_.ledger.unconfirmed().empty()) return true;
  const auto mine = ++shared_.questions;
  thread_->Wake();
  shared_.ready.wait(lock, stop, [&] { return shared_.answers >= mine || shared_.failure; });
  return shared_.answers >= mine && shared_.holds;
}

event::Lag KafkaReader::lag() {
  const auto now = std::chrono::steady_clock::now();
  if (now - lag_at_ < kLagAge) return lag_;
  const std::lock_guard lock(shared_.mutex);
  lag_at_ = now;
  lag_ = shared_.ledger.lag();
  return lag_;
}

std::string KafkaReader::WaitsFor() {
  const std::lock_guard lock(shared_.mutex);
  return shared_.waits_for;
}

}  // namespace millrace::stream
