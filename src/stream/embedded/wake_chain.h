#pragma once

#include <atomic>
#include <cstdint>

namespace millrace::stream {

/// Lets many threads wait for one event. Each thread that wakes wakes two more, so that whoever raises it pays for one
/// wake and goes on, and the waiters need no lock on their way out. Outlives its waiters. Linux futex(2).
class WakeChain {
 public:
  void Raise();
  void Wait();

 private:
  void Wake(int threads);

  std::atomic<uint32_t> raised_{0};
};

}  // namespace millrace::stream
