#pragma once

#include <array>
#include <cstdint>

namespace millrace::decode {

/// Reads an integer of up to 18 digits at `at`. Returns its end, or null for whatever needs the long way. That nothing
/// belongs to the number behind its end is for the caller to see.
inline const char* ReadShortInteger(const char* at, int64_t& value) {
  const bool negative = *at == '-';
  at += negative;
  const char* const first = at;
  uint64_t digits = 0;
  for (unsigned digit; (digit = static_cast<unsigned>(*at - '0')) <= 9; ++at) digits = digits * 10 + digit;
  const auto count = at - first;
  if (count == 0 || count > 18 || (*first == '0' && count > 1)) return nullptr;
  value = negative ? -static_cast<int64_t>(digits) : static_cast<int64_t>(digits);
  return at;
}

/// Reads a number without exponent whose digits a double holds exactly, so that one division rounds right (Clinger).
/// Likewise.
inline const char* ReadShortDouble(const char* at, double& value) {
  static constexpr std::array<double, 20> kPowers{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                                  1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
  const bool negative = *at == '-';
  at += negative;
  const char* const first = at;
  uint64_t digits = 0;
  unsigned digit;
  for (; (digit = static_cast<unsigned>(*at - '0')) <= 9; ++at) digits = digits * 10 + digit;
  const auto whole = at - first;
  if (whole == 0 || (*first == '0' && whole > 1)) return nullptr;
  int64_t fraction = 0;
  if (*at == '.') {
    const char* const point = ++at;
    for (; (digit = static_cast<unsigned>(*at - '0')) <= 9; ++at) digits = digits * 10 + digit;
    fraction = at - point;
    if (fraction == 0) return nullptr;
  }
  constexpr uint64_t kExact = uint64_t{1} << 53;
  if (whole + fraction > 19 || digits >= kExact) return nullptr;
  const double magnitude = static_cast<double>(digits) / kPowers.begin()[fraction];
  value = negative ? -magnitude : magnitude;
  return at;
}

}  // namespace millrace::decode
