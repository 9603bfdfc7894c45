#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::decode {

/// The sign, the digits and the power of ten of a JSON number: (-1)^negative * digits * 10^exponent, exactly.
struct DecimalDigits {
  bool negative = false;
  bool integer = true;    // written without point and exponent
  uint64_t mantissa = 0;  // when it has at most 19 digits
  int32_t digits = 0;     // significant ones, leading zeros not counted
  int64_t exponent = 0;
};

/// Takes a number by JSON's grammar apart; false when `text` is not exactly one.
bool ParseDigits(std::string_view text, DecimalDigits& out);

/// The integer a JSON number is, exactly: 7, 7.0 and 70e-1 are 7; 7.5 and 2^63 are none.
std::optional<int64_t> ExactInteger(std::string_view text);

/// The double nearest to a JSON number. None for what overflows, and for an integer (no point, no exponent) that no
/// double holds exactly: 2^53 + 1 would be another number.
std::optional<double> NearestDouble(std::string_view text);

/// `number` * 10^scale as an integer of at most `precision` digits; none when digits would be lost.
std::optional<__int128_t> ExactDecimal(std::string_view text, int32_t precision, int32_t scale);

}  // namespace millrace::decode
