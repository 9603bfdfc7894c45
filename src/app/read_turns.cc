#include "app/read_turns.h"

#include <algorithm>

namespace millrace::app {

/// Whether the turn is the first of those that wait, and can be given now.
bool ReadTurns::Free(const Turn& turn) {
  if (waiting_.empty() || waiting_.front() != &turn) return false;
  if (reading_.size() < options_.at_once) return true;
  const auto now = clock_.Steady();
  std::erase_if(reading_, [&](const Turn* other) { return other->ends_ <= now; });
  return reading_.size() < options_.at_once;
}

SteadyTime ReadTurns::NextEnd() const {
  SteadyTime next = SteadyTime::max();
  for (const Turn* turn : reading_) next = std::min(next, turn->ends_);
  return next;
}

void ReadTurns::WakeNext() {
  if (!waiting_.empty()) waiting_.front()->comes_.notify_one();
}

bool ReadTurns::Turn::Take(std::chrono::milliseconds wait, const std::stop_token& stop) {
  if (taken_) return true;
  std::unique_lock lock(turns_->mutex_);
  if (!waits_) turns_->waiting_.push_back(this);
  waits_ = true;
  const auto until = turns_->clock_.Steady() + wait;
  while (!turns_->Free(*this)) {
    const auto now = turns_->clock_.Steady();
    if (now >= until || stop.stop_requested()) return false;
    // Only the first one waits for the end of a lease; the others are woken when they are the first.
    const bool first = turns_->waiting_.front() == this;
    const auto next = first ? std::min(until, turns_->NextEnd()) : until;
    comes_.wait_for(lock, stop, next - now, [&] { return turns_->Free(*this); });
  }
  turns_->waiting_.pop_front();
  waits_ = false;
  taken_ = true;
  ends_ = turns_->clock_.Steady() + turns_->options_.lease;
  read_ = 0;
  turns_->reading_.push_back(this);
  turns_->WakeNext();
  return true;
}

bool ReadTurns::Turn::Read(size_t bytes) {
  if (!taken_) return true;
  read_ += static_cast<int64_t>(bytes);
  return read_ < turns_->options_.turn_bytes && turns_->clock_.Steady() < ends_;
}

void ReadTurns::Turn::Encodes() {
  if (!taken_) return End();
  const std::lock_guard lock(turns_->mutex_);
  ends_ = std::min(ends_, turns_->clock_.Steady() + turns_->options_.encode);
  turns_->WakeNext();
}

void ReadTurns::Turn::End() {
  if (!turns_ || (!taken_ && !waits_)) return;
  const std::lock_guard lock(turns_->mutex_);
  std::erase(turns_->waiting_, this);
  std::erase(turns_->reading_, this);
  waits_ = false;
  taken_ = false;
  turns_->WakeNext();
}

}  // namespace millrace::app
