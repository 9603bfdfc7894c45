#pragma once

#include <string>
#include <string_view>

namespace millrace::query {

/// Columns that UTF-8 text takes on a terminal: two for East Asian wide characters and emoji, none for combining marks.
int DisplayWidth(std::string_view text);

/// `text` on one line, control characters spelled out ("\n"), and no wider than `width`: a cut one ends in "…".
std::string FitInto(std::string_view text, int width);

}  // namespace millrace::query
