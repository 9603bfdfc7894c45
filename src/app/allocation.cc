#include "app/allocation.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace millrace::app {
namespace {

constexpr int kMappedBytesMin = 8 << 20;
constexpr int kKeptBytesMax = 64 << 20;

}  // namespace

void ChooseAllocators() {
  // Two allocators side by side each keep what the other could use. Arrow reads its choice once, at its first use.
  setenv("ARROW_DEFAULT_MEMORY_POOL", "system", 0);
  // The largest buffers are mapped, so that each goes back when it is freed, wherever it lay. What lies below stays
  // with the program for a while: fetches and batches of a few MiB come and go all the time, and pages that are given
  // back and faulted in again took a fifth of the CPU from Kafka to Parquet.
  if (std::getenv("MALLOC_MMAP_THRESHOLD_") == nullptr) mallopt(M_MMAP_THRESHOLD, kMappedBytesMin);
  if (std::getenv("MALLOC_TRIM_THRESHOLD_") == nullptr) mallopt(M_TRIM_THRESHOLD, kKeptBytesMax);
  if (std::getenv("MALLOC_ARENA_MAX") != nullptr) return;
  mallopt(M_ARENA_MAX, static_cast<int>(std::max(2U, std::thread::hardware_concurrency())));
}

void ReturnFreedMemory() { malloc_trim(0); }

}  // namespace millrace::app
