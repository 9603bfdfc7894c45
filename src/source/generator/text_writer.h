#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

namespace millrace::source {

/// The generator of row `number`: independent of its neighbours, so that any row can be made at once.
inline Random RandomOfRow(uint64_t seed, uint64_t number) {
  return Random(seed * 0xD1342543DE82EF95ULL + number * 0x9E3779B97F4A7C15ULL * 16);
}

/// Appends text to memory that is known to suffice. One row costs no allocation and no format string.
class TextWriter {
 public:
  explicit TextWriter(char* to) : at_(to) {}
  char* end() const { return at_; }

  TextWriter& Text(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
    return *this;
  }
  TextWriter& Char(char c) {
    *at_++ = c;
    return *this;
  }
  TextWriter& Number(uint64_t value) {
    at_ = std::to_chars(at_, at_ + 20, value).ptr;
    return *this;
  }
  /// Decimal digits with leading zeros.
  TextWriter& Digits(uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i, value /= 10) at_[i] = static_cast<char>('0' + value % 10);
    at_ += count;
    return *this;
  }
  /// 1234 as 12.34.
  TextWriter& Cents(uint64_t value) { return Number(value / 100).Char('.').Digits(value % 100, 2); }
  /// A version 4 UUID.
  TextWriter& Uuid(Random& random) {
    static constexpr char kHex[] = "0123456789abcdef";
    const uint64_t high = (random.Next() & ~0xF000ULL) | 0x4000ULL;
    const uint64_t low = (random.Next() & ~(3ULL << 62)) | (2ULL << 62);
    for (int shift = 60; shift >= 0; shift -= 4) {
      *at_++ = kHex[(high >> shift) & 15];
      if (shift == 32 || shift == 16) *at_++ = '-';
    }
    *at_++ = '-';
    for (int shift = 60; shift >= 0; shift -= 4) {
      *at_++ = kHex[(low >> shift) & 15];
      if (shift == 48) *at_++ = '-';
    }
    return *this;
  }
  /// "2026-10-26T06:13:20.123Z".
  TextWriter& Time(Timestamp time) {
    const auto millis = std::chrono::floor<std::chrono::milliseconds>(time);
    const auto second = std::chrono::floor<std::chrono::seconds>(millis);
    Date(time).Char('T');
    const auto of_day = static_cast<uint64_t>((second - std::chrono::floor<std::chrono::days>(second)).count());
    Digits(of_day / 3600, 2).Char(':').Digits(of_day / 60 % 60, 2).Char(':').Digits(of_day % 60, 2).Char('.');
    return Digits(static_cast<uint64_t>((millis - second).count()), 3).Char('Z');
  }
  /// "2026-10-26".
  TextWriter& Date(Timestamp time) {
    const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(time));
    Digits(static_cast<uint64_t>(static_cast<int>(date.year())), 4).Char('-');
    Digits(static_cast<unsigned>(date.month()), 2).Char('-');
    return Digits(static_cast<unsigned>(date.day()), 2);
  }

 private:
  char* at_;
};

/// One of `choices`, evenly.
inline std::string_view Pick(Random& random, std::span<const std::string_view> choices) {
  return choices[random.Below(choices.size())];
}

}  // namespace millrace::source
