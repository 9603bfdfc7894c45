#pragma once

#include <chrono>
#include <mutex>

#include "base/random.h"

namespace millrace::io {

/// How many retries the requests of one client may make together: a token bucket that retries take from and successes
/// refill, so that a store in trouble is not asked several times as often as a healthy one. Thread-safe.
class RetryBudget {
 public:
  struct Options {
    int tokens_max = 500;
    int retry_cost = 5;
    int success_refund = 1;
    int attempts_max = 8;  // of one request
    std::chrono::milliseconds wait_first{100};
    std::chrono::milliseconds wait_max{4000};
  };
  RetryBudget();
  explicit RetryBudget(Options options);

  /// Waits until a request that failed `attempts` times may be sent again. False: it may not, or the thread is to stop
  /// (OutagePatience::Stop).
  bool WaitToRetry(int attempts);
  /// Whether a request that failed `attempts` times may be sent again; takes from the budget if so.
  bool MayRetry(int attempts);
  void Succeeded();
  /// How long to wait before the attempt that follows `attempts`: anything up to a bound that doubles.
  std::chrono::milliseconds Wait(int attempts);

 private:
  const Options options_;
  std::mutex mutex_;
  int tokens_;
  Random random_ = Random::FromSystem();
};

}  // namespace millrace::io
