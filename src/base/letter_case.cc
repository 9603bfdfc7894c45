#include "base/letter_case.h"

#include <algorithm>

namespace millrace {
namespace {

/// Whatever the locale.
char Lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), Lowered);
  return lower;
}

bool SameInAnyCase(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, Lowered, Lowered);
}

}  // namespace millrace
