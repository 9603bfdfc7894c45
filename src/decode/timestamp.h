#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace millrace::decode {

/// base's ParseTimestamp with a short cut for its most common form, 2021-07-21T06:00:00[.123456]Z, and a memory of the
/// last date, since neighbouring events share it. Accepts exactly what ParseTimestamp accepts.
class TimestampReader {
 public:
  /// Microseconds since 1970 UTC.
  bool Parse(std::string_view text, int64_t& micros) {
    if (text.size() < 20 || text.size() > 27 || text.back() != 'Z' || text[10] != 'T') return ParseAny(text, micros);
    if (std::memcmp(text.data(), date_, sizeof date_) != 0 && !TakeDate(text)) return ParseAny(text, micros);
    const int64_t hour = Two(text, 11), minute = Two(text, 14), second = Two(text, 17);
    int64_t fraction = 0;
    if (text[13] != ':' || text[16] != ':' || (hour | minute | second) < 0 || hour > 23 || minute > 59 || second > 59 ||
        !Fraction(text, fraction)) {
      return ParseAny(text, micros);
    }
    micros = date_micros_ + ((hour * 60 + minute) * 60 + second) * 1'000'000 + fraction;
    return true;
  }

 private:
  static int64_t Two(std::string_view text, size_t at) {
    const auto tens = static_cast<unsigned>(text[at] - '0'), ones = static_cast<unsigned>(text[at + 1] - '0');
    return tens > 9 || ones > 9 ? -1 : static_cast<int64_t>(tens * 10 + ones);
  }
  static bool Fraction(std::string_view text, int64_t& fraction) {
    if (text.size() == 20) return true;
    if (text[19] != '.' || text.size() == 21) return false;
    int64_t unit = 100'000;
    for (size_t at = 20; at + 1 < text.size(); ++at, unit /= 10) {
      const auto digit = static_cast<unsigned>(text[at] - '0');
      if (digit > 9) return false;
      fraction += digit * unit;
    }
    return true;
  }
  bool TakeDate(std::string_view text);
  static bool ParseAny(std::string_view text, int64_t& micros);

  char date_[10] = {};
  int64_t date_micros_ = 0;
};

/// The shape of a time in UTC within microseconds: if it is a time, then reading it as one loses nothing.
inline bool LooksLikeUtc(std::string_view text) {
  return text.size() >= 20 && text.size() <= 27 && text[10] == 'T' && text.back() == 'Z';
}

/// "2021-07-21T06:00:00.5", without a zone: microseconds.
std::optional<int64_t> ParseLocalTimestamp(std::string_view text);
/// "2021-07-21": days since 1970.
std::optional<int32_t> ParseDate(std::string_view text);
/// "06:00:00.5": microseconds since midnight.
std::optional<int64_t> ParseTime(std::string_view text);

}  // namespace millrace::decode
