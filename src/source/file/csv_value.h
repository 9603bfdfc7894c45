#pragma once

#include <string_view>

namespace millrace::source {

/// A number that may stand in JSON as it is written, and that a reader gets exactly: an integer of 64 bits, or at
/// most 17 digits with a fraction or exponent.
bool IsExactJsonNumber(std::string_view text);

/// "true" or "false" for what is written so, with a capital, or in capitals; empty for all else.
std::string_view JsonBooleanOf(std::string_view text);

}  // namespace millrace::source
