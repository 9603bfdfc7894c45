#include "base/byte_budget.h"

#include <utility>

namespace millrace {

Reservation::Reservation(Reservation&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    Release();
    budget_ = std::exchange(other.budget_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

void Reservation::Release() {
  if (budget_ != nullptr) budget_->Return(bytes_);
  budget_ = nullptr;
  bytes_ = 0;
}

void Reservation::Merge(Reservation&& other) {
  if (budget_ == nullptr) budget_ = other.budget_;
  bytes_ += std::exchange(other.bytes_, 0);
  other.budget_ = nullptr;
}

Reservation ByteBudget::Reserve(int64_t bytes, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  const bool granted = freed_.wait(lock, stop, [&] { return used_ + bytes <= limit_ || used_ == 0; });
  --waiting_;
  if (!granted) return {};
  used_ += bytes;
  return {this, bytes};
}

std::optional<Reservation> ByteBudget::TryReserve(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  refused_ = used_ + bytes > limit_ && used_ > 0;
  if (refused_) return std::nullopt;
  used_ += bytes;
  return Reservation(this, bytes);
}

Reservation ByteBudget::Force(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  used_ += bytes;
  return {this, bytes};
}

int64_t ByteBudget::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

bool ByteBudget::under_pressure() const {
  const std::lock_guard lock(mutex_);
  return waiting_ > 0 || refused_ || used_ > limit_;
}

void ByteBudget::Return(int64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    used_ -= bytes;
    refused_ = false;
  }
  freed_.notify_all();
}

}  // namespace millrace
