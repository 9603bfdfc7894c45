#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// Letters of ASCII; others stay as they are.
std::string Lower(std::string_view text);
/// The same text but for the case of ASCII's letters.
bool SameInAnyCase(std::string_view left, std::string_view right);

}  // namespace millrace
