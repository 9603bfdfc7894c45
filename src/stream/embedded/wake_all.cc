#include "stream/embedded/wake_all.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace millrace::stream {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t), "futex(2) waits on 32 bits");

void WakeAll::Raise() {
  raised_.store(1, std::memory_order_release);
  ::syscall(SYS_futex, &raised_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void WakeAll::Wait() {
  while (raised_.load(std::memory_order_acquire) == 0) {
    ::syscall(SYS_futex, &raised_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
  }
}

}  // namespace millrace::stream
