#include "io/several_at_once.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "io/outage_patience.h"

namespace millrace::io {

void SeveralAtOnce(size_t count, size_t at_once, const std::function<void(size_t)>& body) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto some = [&] {
    try {
      for (size_t i = next++; i < count; i = next++) body(i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> more;
    for (size_t i = 1; i < std::min(at_once, count); ++i) {
      more.emplace_back([&some, stop = OutagePatience::Stop()] {
        const OutagePatience stoppable(stop, {});
        some();
      });
    }
    some();
  }
  if (failure) std::rethrow_exception(failure);
}

void SeveralPatiently(size_t count, size_t at_once, const std::function<void(size_t)>& body) {
  std::vector<char> done(count);
  OutagePatience::Ask([&] {
    SeveralAtOnce(count, at_once, [&](size_t i) {
      if (done[i] != 0) return;
      body(i);
      done[i] = 1;
    });
    return true;
  });
}

}  // namespace millrace::io
