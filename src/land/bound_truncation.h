#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::land {

/// Bounds cut to a length (Iceberg spec, "Manifests": lower_bounds, upper_bounds). Text is cut by code point, and an
/// upper bound that lost something is raised at the last code point that allows it, past the surrogates.
std::string TruncateTextLower(std::string_view text, size_t code_points);
/// nullopt: nothing of that length is as great (all code points are the highest).
std::optional<std::string> TruncateTextUpper(std::string_view text, size_t code_points);

std::string TruncateBinaryLower(std::string_view bytes, size_t length);
std::optional<std::string> TruncateBinaryUpper(std::string_view bytes, size_t length);

}  // namespace millrace::land
