#include "document/dynamodb/dynamo_number.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "document/document_store.h"

namespace millrace::document {
namespace {

constexpr size_t kDigitsMax = 38;
constexpr int64_t kPowerMin = -130;
constexpr int64_t kPowerMax = 125;

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

[[noreturn]] void Refuse(std::string_view text, std::string_view why) {
  throw Unfit{event::RejectCause::kContract,
              fmt::format("the number {}{} {}", text.substr(0, 50), text.size() > 50 ? "..." : "", why)};
}

}  // namespace

std::string CanonicalNumber(std::string_view text) {
  const auto exponent_at = std::min(text.find_first_of("eE"), text.size());
  int64_t power = exponent_at < text.size() ? ExponentOf(text.substr(exponent_at + 1)) : 0;
  std::string digits;
  bool fraction = false;
  for (const char c : text.substr(0, exponent_at)) {
    if (c == '.') fraction = true;
    if (c < '0' || c > '9') continue;
    if (fraction) --power;
    if (c != '0' || !digits.empty()) digits += c;
  }
  if (digits.empty()) return "0";
  while (digits.back() == '0') {
    digits.pop_back();
    ++power;
  }
  if (digits.size() > kDigitsMax) Refuse(text, fmt::format("has more than the {} digits that are kept", kDigitsMax));
  const int64_t magnitude = power + static_cast<int64_t>(digits.size()) - 1;
  if (magnitude < kPowerMin || magnitude > kPowerMax) Refuse(text, "is outside of 1E-130 to 1E126");
  return fmt::format("{}{}{}", text.starts_with('-') ? "-" : "", digits, power == 0 ? "" : fmt::format("E{}", power));
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
