#include "decode/json_number.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace millrace::decode {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Reads digits, counts them without leading zeros, and keeps the first nineteen.
struct DigitReader {
  DecimalDigits& out;
  void Take(char c) {
    if (out.digits == 0 && c == '0') return;
    ++out.digits;
    if (out.digits <= 19) out.mantissa = out.mantissa * 10 + static_cast<uint64_t>(c - '0');
  }
};

bool ParseExponent(std::string_view text, int64_t& exponent) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  if (text.empty() || (text[0] == '-' && text.size() == 1)) return false;
  for (const char c : text.substr(text[0] == '-' ? 1 : 0)) {
    if (!IsDigit(c)) return false;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  constexpr int64_t kFar = 1'000'000'000'000;
  if (error == std::errc::result_out_of_range || exponent > kFar || exponent < -kFar) {
    exponent = text[0] == '-' ? -kFar : kFar;
  }
  return true;
}

}  // namespace

bool ParseDigits(std::string_view text, DecimalDigits& out) {
  out = {};
  size_t at = 0;
  if (at < text.size() && text[at] == '-') {
    out.negative = true;
    ++at;
  }
  const size_t whole = at;
  DigitReader reader{out};
  for (; at < text.size() && IsDigit(text[at]); ++at) reader.Take(text[at]);
  if (at == whole || (at - whole > 1 && text[whole] == '0')) return false;
  if (at < text.size() && text[at] == '.') {
    out.integer = false;
    const size_t fraction = ++at;
    for (; at < text.size() && IsDigit(text[at]); ++at) reader.Take(text[at]);
    if (at == fraction) return false;
    out.exponent = -static_cast<int64_t>(at - fraction);
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    out.integer = false;
    int64_t exponent = 0;
    if (!ParseExponent(text.substr(at + 1), exponent)) return false;
    out.exponent += exponent;
    at = text.size();
  }
  return at == text.size();
}

std::optional<int64_t> ExactInteger(std::string_view text) {
  const auto value = ExactDecimal(text, 19, 0);
  if (!value || *value > std::numeric_limits<int64_t>::max() || *value < std::numeric_limits<int64_t>::min()) {
    return std::nullopt;
  }
  return static_cast<int64_t>(*value);
}

std::optional<double> NearestDouble(std::string_view text) {
  DecimalDigits parts;
  if (!ParseDigits(text, parts)) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range && (parts.digits == 0 || parts.exponent + parts.digits < 0)) {
    // Nearer to zero than any double: zero is the nearest one.
    return parts.negative ? -0.0 : 0.0;
  }
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  if (parts.integer && std::abs(value) >= 9007199254740992.0) {
    const auto exact = ExactDecimal(text, 38, 0);
    if (!exact || static_cast<__int128_t>(value) != *exact) return std::nullopt;
  }
  return value;
}

std::optional<__int128_t> ExactDecimal(std::string_view text, int32_t precision, int32_t scale) {
  DecimalDigits parts;
  if (!ParseDigits(text, parts)) return std::nullopt;
  if (parts.digits == 0) return 0;
  // Digits from the first significant one to the end of the fraction; the value is digits * 10^exponent.
  const int64_t kept = parts.digits + parts.exponent + scale;
  if (kept > precision || kept > 38) return std::nullopt;
  __int128_t value = 0;
  int64_t taken = 0;
  bool significant = false;
  for (const char c : text) {
    if (c == 'e' || c == 'E') break;
    if (!IsDigit(c)) continue;
    significant = significant || c != '0';
    if (!significant) continue;
    if (taken >= kept) {
      if (c != '0') return std::nullopt;
      continue;
    }
    value = value * 10 + (c - '0');
    ++taken;
  }
  for (; taken < kept; ++taken) value *= 10;
  return parts.negative ? -value : value;
}

}  // namespace millrace::decode
