#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace millrace::source {

/// How many digits the parts of a number have; 0 where there is no such part.
struct JsonNumberDigits {
  size_t whole = 0;
  size_t fraction = 0;
  size_t exponent = 0;
};

/// None when `text` is not exactly a number by JSON's grammar (RFC 8259, section 6).
std::optional<JsonNumberDigits> DigitsOfJsonNumber(std::string_view text);

}  // namespace millrace::source
