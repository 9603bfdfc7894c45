#include "source/json_number.h"

namespace millrace::source {
namespace {

size_t DigitsAt(std::string_view text, size_t at) {
  size_t count = 0;
  while (at + count < text.size() && text[at + count] >= '0' && text[at + count] <= '9') ++count;
  return count;
}

}  // namespace

std::optional<JsonNumberDigits> DigitsOfJsonNumber(std::string_view text) {
  JsonNumberDigits digits;
  size_t at = text.starts_with('-') ? 1 : 0;
  digits.whole = DigitsAt(text, at);
  if (digits.whole == 0 || (digits.whole > 1 && text[at] == '0')) return std::nullopt;
  at += digits.whole;
  if (at < text.size() && text[at] == '.') {
    digits.fraction = DigitsAt(text, ++at);
    if (digits.fraction == 0) return std::nullopt;
    at += digits.fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    digits.exponent = DigitsAt(text, at);
    if (digits.exponent == 0) return std::nullopt;
    at += digits.exponent;
  }
  if (at != text.size()) return std::nullopt;
  return digits;
}

}  // namespace millrace::source
