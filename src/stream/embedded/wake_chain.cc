#include "stream/embedded/wake_chain.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace millrace::stream {
namespace {

constexpr int kWokenByEach = 2;

}  // namespace

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t), "futex(2) waits on 32 bits");

void WakeChain::Wake(int threads) { ::syscall(SYS_futex, &raised_, FUTEX_WAKE_PRIVATE, threads, nullptr, nullptr, 0); }

void WakeChain::Raise() {
  raised_.store(1, std::memory_order_release);
  Wake(1);
}

void WakeChain::Wait() {
  bool slept = false;
  while (raised_.load(std::memory_order_acquire) == 0) {
    ::syscall(SYS_futex, &raised_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
    slept = true;
  }
  if (slept) Wake(kWokenByEach);
}

}  // namespace millrace::stream
