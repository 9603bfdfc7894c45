#include "io/retry_budget.h"

#include <algorithm>

#include "io/outage_patience.h"

namespace millrace::io {

RetryBudget::RetryBudget() : RetryBudget(Options()) {}
RetryBudget::RetryBudget(Options options) : options_(options), tokens_(options.tokens_max) {}

bool RetryBudget::WaitToRetry(int attempts) {
  return !OutagePatience::Stop().stop_requested() && MayRetry(attempts) && OutagePatience::Sleep(Wait(attempts));
}

bool RetryBudget::MayRetry(int attempts) {
  const std::lock_guard lock(mutex_);
  if (attempts >= options_.attempts_max || tokens_ < options_.retry_cost) return false;
  tokens_ -= options_.retry_cost;
  return true;
}

void RetryBudget::Succeeded() {
  const std::lock_guard lock(mutex_);
  tokens_ = std::min(tokens_ + options_.success_refund, options_.tokens_max);
}

std::chrono::milliseconds RetryBudget::Wait(int attempts) {
  const std::lock_guard lock(mutex_);
  const auto bound = std::min(options_.wait_first * (int64_t{1} << std::clamp(attempts - 1, 0, 20)), options_.wait_max);
  return std::chrono::milliseconds(random_.Below(static_cast<uint64_t>(bound.count()) + 1));
}

}  // namespace millrace::io
