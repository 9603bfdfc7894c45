#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>

#include "table/calendar.h"

/// The arithmetic of the transforms on plain values (Iceberg spec, appendix B), shared by one value and whole columns.
namespace millrace::table {

inline constexpr int64_t kMicrosPerHour = 3'600'000'000;
inline constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;

/// Never negative for a positive divisor, so that times before 1970 fall into the unit they are in.
template <typename Number>
constexpr Number FloorModulo(Number number, Number divisor) {
  const Number rest = static_cast<Number>(number % divisor);
  return rest < 0 ? static_cast<Number>(rest + divisor) : rest;
}

constexpr int32_t BucketOf(int32_t hash, int32_t buckets) {
  return (hash & std::numeric_limits<int32_t>::max()) % buckets;
}

/// The multiple of width at or below; wraps around at the least number, as Java does.
constexpr int32_t TruncateNumber(int32_t number, int32_t width) {
  return static_cast<int32_t>(static_cast<uint32_t>(number) -
                              static_cast<uint32_t>(FloorModulo(int64_t{number}, int64_t{width})));
}
constexpr int64_t TruncateNumber(int64_t number, int64_t width) {
  return static_cast<int64_t>(static_cast<uint64_t>(number) - static_cast<uint64_t>(FloorModulo(number, width)));
}
constexpr __int128_t TruncateNumber(__int128_t number, __int128_t width) {
  return static_cast<__int128_t>(static_cast<__uint128_t>(number) -
                                 static_cast<__uint128_t>(FloorModulo(number, width)));
}

/// The first `width` code points.
constexpr std::string_view TruncateUtf8(std::string_view text, int32_t width) {
  if (text.size() <= static_cast<size_t>(width)) return text;
  int32_t points = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts_one = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
    if (starts_one && points++ == width) return text.substr(0, i);
  }
  return text;
}
constexpr std::string_view TruncateBytes(std::string_view bytes, int32_t width) {
  return bytes.substr(0, std::min(bytes.size(), static_cast<size_t>(width)));
}

constexpr int32_t HoursOf(int64_t micros) { return static_cast<int32_t>(FloorDivide(micros, kMicrosPerHour)); }
constexpr int32_t DaysOf(int64_t micros) { return static_cast<int32_t>(FloorDivide(micros, kMicrosPerDay)); }

constexpr int32_t MonthsOf(int32_t days) {
  const CivilDate date = CivilFromDays(days);
  return static_cast<int32_t>((date.year - 1970) * 12 + date.month - 1);
}
constexpr int32_t YearsOf(int32_t days) { return static_cast<int32_t>(CivilFromDays(days).year - 1970); }

}  // namespace millrace::table
