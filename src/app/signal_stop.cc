#include "app/signal_stop.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>

namespace millrace::app {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

constexpr int kSignalExitBase = 128;
/// Ends the wait at once; it means nothing otherwise, and is ignored where nobody waits for it.
constexpr int kWake = SIGURG;

}  // namespace

SignalStop::SignalStop() {
  const auto signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  waiter_ = std::jthread([this](const std::stop_token& done) { Wait(done); });
}

SignalStop::~SignalStop() {
  waiter_.request_stop();
  pthread_kill(waiter_.native_handle(), kWake);
  waiter_.join();
  const auto signals = StopSignals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void SignalStop::Wait(const std::stop_token& done) {
  auto signals = StopSignals();
  sigaddset(&signals, kWake);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const timespec interval{.tv_sec = 0, .tv_nsec = 50'000'000};
  while (!done.stop_requested()) {
    const int number = sigtimedwait(&signals, nullptr, &interval);
    if (number < 0 || number == kWake) continue;
    if (stop_.stop_requested()) {
      fmt::print(stderr, "millrace: quit at once; nothing that was committed is lost, the rest is read again\n");
      _exit(kSignalExitBase + number);
    }
    fmt::print(stderr, "millrace: stopping: finishing what was read (once more to quit at once)\n");
    stop_.request_stop();
  }
}

}  // namespace millrace::app
