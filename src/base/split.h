#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// "a, b,,c" -> a, b, c: blanks around a part and empty parts are left out.
std::vector<std::string> SplitByCommas(std::string_view text);

}  // namespace millrace
