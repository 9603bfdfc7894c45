#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace millrace::io {

/// While one lives, what its thread asks of a remote object store or a schema registry is asked again through an
/// outage, for as long as it takes, where it would be Error kUnavailable otherwise; and a stop ends the requests of the
/// thread that are under way. For those who would rather wait than fail. The innermost of a thread counts.
class OutagePatience {
 public:
  /// Without `on_wait` nobody waits, and only the stop counts.
  struct Watcher {
    std::function<void(const std::string& why, std::chrono::milliseconds delay)> on_wait = {};
    std::function<void()> on_end = {};  // an answer came after all
  };
  OutagePatience(std::stop_token stop, Watcher watcher, const Clock& clock = Clock::System());
  ~OutagePatience();
  OutagePatience(const OutagePatience&) = delete;
  OutagePatience& operator=(const OutagePatience&) = delete;

  // For clients of stores, of the calling thread.

  /// What `body` gives; it is called again for as long as it is Error kUnavailable and somebody is patient.
  template <typename Body>
  static auto Ask(Body&& body) {
    for (int waits = 0;; ++waits) {
      try {
        auto answer = body();
        if (waits > 0) End();
        return answer;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kUnavailable || !Wait(error.what(), waits)) throw;
      }
    }
  }

  /// Waits before a request is sent once more, the longer the more often it was (`waits`, from 0). False when nobody
  /// is patient, or not any more.
  static bool Wait(const std::string& why, int waits);
  /// What was waited for has answered.
  static void End();
  /// Ends requests; never requested where nobody is patient.
  static std::stop_token Stop();
  /// Sleeps; false when stopped.
  static bool Sleep(std::chrono::milliseconds duration);

 private:
  const std::stop_token stop_;
  const Watcher watcher_;
  const Clock& clock_;
  OutagePatience* const outer_;
};

}  // namespace millrace::io
