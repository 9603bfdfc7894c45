#include "app/peer_probe.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "io/outage_patience.h"

namespace millrace::app {
namespace {

constexpr auto kFreshFor = std::chrono::seconds(5);
constexpr auto kPatience = std::chrono::seconds(2);

}  // namespace

PeerProbe::PeerProbe(std::string peer, std::function<void()> reach)
    : peer_(std::move(peer)), reach_(std::move(reach)), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

std::string PeerProbe::Reach() const {
  try {
    reach_();
    return {};
  } catch (const std::exception& failure) {
    return failure.what();
  }
}

void PeerProbe::Run(const std::stop_token& stop) {
  const io::OutagePatience stoppable(stop, {});
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return wanted_; })) {
    wanted_ = false;
    asked_since_ = Clock::System().Steady();
    lock.unlock();
    auto problem = Reach();
    lock.lock();
    problem_ = std::move(problem);
    asked_since_.reset();
    answered_ = Clock::System().Steady();
    changed_.notify_all();
  }
}

std::optional<std::string> PeerProbe::Problem() {
  const auto now = Clock::System().Steady();
  std::unique_lock lock(mutex_);
  const auto fresh = [&] { return !asked_since_ && !wanted_ && answered_ && now - *answered_ < kFreshFor; };
  if (!fresh()) {
    wanted_ = wanted_ || !asked_since_;
    changed_.notify_all();
    changed_.wait_for(lock, kPatience, fresh);
  }
  if (!fresh()) return peer_ + " does not answer";
  return problem_.empty() ? std::nullopt : std::optional(fmt::format("{} cannot be reached: {}", peer_, problem_));
}

}  // namespace millrace::app
