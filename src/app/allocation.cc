#include "app/allocation.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace millrace::app {
namespace {

constexpr int kMappedBytesMin = 1 << 20;

}  // namespace

void ChooseAllocators() {
  // Two allocators side by side each keep what the other could use. Arrow reads its choice once, at its first use.
  setenv("ARROW_DEFAULT_MEMORY_POOL", "system", 0);
  // Buffers of rows are mapped, so that each goes back when it is freed, wherever it lay.
  if (std::getenv("MALLOC_MMAP_THRESHOLD_") == nullptr) mallopt(M_MMAP_THRESHOLD, kMappedBytesMin);
  if (std::getenv("MALLOC_ARENA_MAX") != nullptr) return;
  mallopt(M_ARENA_MAX, static_cast<int>(std::max(2U, std::thread::hardware_concurrency())));
}

void ReturnFreedMemory() { malloc_trim(0); }

}  // namespace millrace::app
