#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace millrace {

/// Microseconds since 1970-01-01 UTC: the resolution of Iceberg's timestamptz.
using Timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

/// The one source of time, so that tests can own it. Safety never depends on what it says.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp Now() const = 0;
  virtual SteadyTime Steady() const = 0;
  /// Returns early, with false, when a stop is requested.
  virtual bool SleepFor(std::chrono::nanoseconds duration, std::stop_token stop) const = 0;

  static const Clock& System();
};

/// "2021-07-21T06:00:00.123456Z"; the fraction is left out when it is zero.
std::string FormatTimestamp(Timestamp time);

/// RFC 3339 / ISO 8601 with date, time and zone ("Z" or +hh:mm), fraction to 9 digits (truncated to
/// microseconds). Nothing else is a time: no zone, no time.
std::optional<Timestamp> ParseTimestamp(std::string_view text);

/// Days since 1970-01-01 of a proleptic Gregorian date.
int64_t DaysFromCivil(int64_t year, unsigned month, unsigned day);

}  // namespace millrace
