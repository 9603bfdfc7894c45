#pragma once

#include <stop_token>
#include <thread>

namespace millrace::app {

/// SIGINT and SIGTERM while it lives: the first asks to stop, so that what is under way is finished and said; the
/// second ends the process at once. Made before any other thread, so that all of them inherit the blocked signals.
class SignalStop {
 public:
  SignalStop();
  ~SignalStop();
  SignalStop(const SignalStop&) = delete;
  SignalStop& operator=(const SignalStop&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  /// True when a signal came.
  bool signalled() const { return stop_.stop_requested(); }

 private:
  void Wait(const std::stop_token& done);

  std::stop_source stop_;
  std::jthread waiter_;
};

}  // namespace millrace::app
