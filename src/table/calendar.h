#pragma once

#include <cstdint>

namespace millrace::table {

struct CivilDate {
  int64_t year = 1970;
  int32_t month = 1;
  int32_t day = 1;
};

constexpr int64_t FloorDivide(int64_t number, int64_t divisor) {
  return number / divisor - (number % divisor < 0 ? 1 : 0);
}

/// The proleptic Gregorian date of a day since 1970-01-01, for any day a timestamp can hold (Howard Hinnant's
/// civil_from_days; std::chrono stops at the year 32767).
constexpr CivilDate CivilFromDays(int64_t days) {
  const int64_t shifted = days + 719'468;
  const int64_t era = FloorDivide(shifted, 146'097);
  const int64_t day_of_era = shifted - era * 146'097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t from_march = (5 * day_of_year + 2) / 153;
  const auto day = static_cast<int32_t>(day_of_year - (153 * from_march + 2) / 5 + 1);
  const auto month = static_cast<int32_t>(from_march < 10 ? from_march + 3 : from_march - 9);
  return {.year = year_of_era + era * 400 + (month <= 2 ? 1 : 0), .month = month, .day = day};
}

}  // namespace millrace::table
