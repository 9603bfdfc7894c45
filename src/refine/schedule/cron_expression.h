#pragma once

#include <bitset>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::refine {

/// Times of day on days of a calendar, as crontab(5) writes them: minute, hour, day of the month, month, day of the
/// week, each `*`, a number, a range, a step or a list of these, months and days also by three letters; or @hourly,
/// @daily (@midnight), @weekly, @monthly, @yearly (@annually).
class CronExpression {
 public:
  /// Error kConfig says which field does not fit.
  explicit CronExpression(std::string_view text);

  /// `weekday` counts from Sunday, 0. Where both the day of the month and the day of the week are restricted, either
  /// will do.
  bool IncludesDay(unsigned month, unsigned day, unsigned weekday) const;
  /// Since midnight, rising.
  const std::vector<std::chrono::minutes>& times() const { return times_; }
  /// Of an hour that comes twice in a night, both are meant: its hours are not restricted.
  bool every_hour() const { return every_hour_; }

 private:
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool any_day_ = false;
  bool any_weekday_ = false;
  bool every_hour_ = false;
  std::vector<std::chrono::minutes> times_;
};

}  // namespace millrace::refine
