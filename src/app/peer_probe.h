#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"

namespace millrace::app {

/// Asks a peer whether it can be reached, in a thread of its own, so that one that hangs keeps nobody waiting. It asks
/// only when somebody wants to know. Thread-safe; dropping it waits for an attempt that is under way.
class PeerProbe {
 public:
  /// `reach` returns when the peer answers, and throws why it does not.
  PeerProbe(std::string peer, std::function<void()> reach);

  /// "the catalogue cannot be reached: ...", as of now or some seconds ago; nullopt: it can. Waits a moment for an
  /// answer; a peer that takes longer cannot be reached.
  std::optional<std::string> Problem();

 private:
  void Run(const std::stop_token& stop);
  std::string Reach() const;

  const std::string peer_;
  const std::function<void()> reach_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool wanted_ = false;
  std::optional<SteadyTime> asked_since_;  // an attempt is under way
  std::optional<SteadyTime> answered_;
  std::string problem_;
  std::jthread thread_;
};

}  // namespace millrace::app
