#include "api/rate_limit.h"

#include <algorithm>

namespace millrace::api {

SteadyTime::duration RateLimit::Interval() const {
  return std::chrono::duration_cast<SteadyTime::duration>(std::chrono::duration<double>(1 / options_.per_second));
}

std::optional<std::chrono::seconds> RateLimit::WaitAt(SteadyTime whole, SteadyTime now) const {
  const auto spent = std::max(whole, now) - now + Interval();
  const auto room = std::chrono::duration_cast<SteadyTime::duration>(Interval() * options_.burst);
  if (spent <= room) return std::nullopt;
  return std::max(std::chrono::ceil<std::chrono::seconds>(spent - room), std::chrono::seconds(1));
}

std::optional<std::chrono::seconds> RateLimit::Wait(const std::string& key, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  const auto* whole = whole_.Find(key);
  return whole == nullptr ? std::nullopt : WaitAt(*whole, now);
}

std::optional<std::chrono::seconds> RateLimit::Take(const std::string& key, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  const auto* found = whole_.Find(key);
  const auto whole = found == nullptr ? now : std::max(*found, now);
  if (const auto wait = WaitAt(whole, now)) return wait;
  whole_.Put(key, whole + Interval());
  return std::nullopt;
}

}  // namespace millrace::api
