#pragma once

#include <atomic>
#include <cstdint>

namespace millrace::stream {

/// Lets many threads wait for one event, which wakes them all by one call; they need no lock on their way out.
/// Outlives its waiters. Linux futex(2).
class WakeAll {
 public:
  void Raise();
  void Wait();

 private:
  std::atomic<uint32_t> raised_{0};
};

}  // namespace millrace::stream
