#pragma once

#include <atomic>

#include "base/clock.h"
#include "io/http_client.h"

namespace millrace::io {

/// The time that signed requests carry: this machine's, or, once a service called that wrong, the service's. Borrows
/// the clock. Thread-safe.
class ServerClock {
 public:
  explicit ServerClock(const Clock& clock) : clock_(clock) {}

  Timestamp Now() const;
  /// Goes by the Date of an answer from now on; false when it says nothing new.
  bool Adopt(const HttpResponse& response);

 private:
  const Clock& clock_;
  std::atomic<int64_t> ahead_seconds_{0};
};

}  // namespace millrace::io
