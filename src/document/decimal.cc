#include "document/decimal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace millrace::document {
namespace {

/// An exponent that no integer holds is far outside of any range.
int64_t ExponentOf(std::string_view text) {
  constexpr int64_t kFar = 1'000'000'000;
  if (text.starts_with('+')) text.remove_prefix(1);
  int64_t exponent = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), exponent).ec == std::errc()) {
    return std::clamp(exponent, -kFar, kFar);
  }
  return text.starts_with('-') ? -kFar : kFar;
}

}  // namespace

Decimal DecimalOf(std::string_view text) {
  const auto exponent_at = std::min(text.find_first_of("eE"), text.size());
  Decimal decimal{.power = exponent_at < text.size() ? ExponentOf(text.substr(exponent_at + 1)) : 0};
  bool fraction = false;
  for (const char c : text.substr(0, exponent_at)) {
    if (c == '.') fraction = true;
    if (c < '0' || c > '9') continue;
    if (fraction) --decimal.power;
    if (c != '0' || !decimal.digits.empty()) decimal.digits += c;
  }
  if (decimal.digits.empty()) return {};
  while (decimal.digits.back() == '0') {
    decimal.digits.pop_back();
    ++decimal.power;
  }
  decimal.negative = text.starts_with('-');
  return decimal;
}

std::string ShownNumber(std::string_view text) {
  constexpr size_t kShown = 50;
  return fmt::format("{}{}", text.substr(0, kShown), text.size() > kShown ? "..." : "");
}

std::string_view NumberTexts::Next() {
  size_t at = 0;
  bool quoted = false;
  for (; at < left_.size(); ++at) {
    const char c = left_[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '-' || (c >= '0' && c <= '9'))) {
      break;
    }
  }
  left_.remove_prefix(std::min(at, left_.size()));
  const auto end = std::min(left_.find_first_not_of("0123456789+-.eE"), left_.size());
  const auto number = left_.substr(0, end);
  left_.remove_prefix(end);
  return number;
}

}  // namespace millrace::document
