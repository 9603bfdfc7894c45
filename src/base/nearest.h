#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// The word most like `given`, or empty when none is near enough to be what was meant.
std::string NearestWord(std::string_view given, const std::vector<std::string>& known);

/// "; did you mean 'topic'?" or, when nothing is near, "; known here: a, b, c".
std::string Suggest(std::string_view given, const std::vector<std::string>& known);

}  // namespace millrace
