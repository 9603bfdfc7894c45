#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "api/recent_map.h"
#include "base/clock.h"

namespace millrace::api {

/// How much each of many keys may do: `burst` at once, `per_second` in the long run. Remembers the `keys_max` keys that
/// were busy last, so that no number of strangers fills the memory. Thread-safe.
class RateLimit {
 public:
  struct Options {
    double per_second = 1;  // above 0
    double burst = 10;      // 1 or more
    size_t keys_max = 4096;
  };
  explicit RateLimit(Options options) : options_(options), whole_(options.keys_max) {}

  /// Takes one for the key; else how long until one is there, in whole seconds, at least one.
  std::optional<std::chrono::seconds> Take(const std::string& key, SteadyTime now);
  /// What Take would answer, without taking.
  std::optional<std::chrono::seconds> Wait(const std::string& key, SteadyTime now);

 private:
  std::optional<std::chrono::seconds> WaitAt(SteadyTime whole, SteadyTime now) const;
  SteadyTime::duration Interval() const;

  const Options options_;
  std::mutex mutex_;
  RecentMap<SteadyTime> whole_;  // when a key has its whole burst again
};

}  // namespace millrace::api
