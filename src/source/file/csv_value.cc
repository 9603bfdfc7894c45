#include "source/file/csv_value.h"

#include <charconv>
#include <cstdint>

namespace millrace::source {
namespace {

constexpr size_t kDoubleDigitsMax = 17;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

size_t DigitsAt(std::string_view text, size_t at) {
  size_t count = 0;
  while (at + count < text.size() && IsDigit(text[at + count])) ++count;
  return count;
}

}  // namespace

bool IsExactJsonNumber(std::string_view text) {
  size_t at = text.starts_with('-') ? 1 : 0;
  const size_t whole = DigitsAt(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
  at += whole;
  if (at == text.size()) {
    int64_t value = 0;
    return text != "-0" && std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
  }
  size_t digits = whole;
  if (text[at] == '.') {
    const size_t fraction = DigitsAt(text, at + 1);
    if (fraction == 0) return false;
    digits += fraction;
    at += 1 + fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t exponent = DigitsAt(text, at);
    if (exponent == 0 || exponent > 2) return false;
    at += exponent;
  }
  return at == text.size() && digits <= kDoubleDigitsMax;
}

std::string_view JsonBooleanOf(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return "true";
  if (text == "false" || text == "False" || text == "FALSE") return "false";
  return {};
}

}  // namespace millrace::source
