#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// Appends text, which is UTF-8, as a JSON string with its quotes.
void AppendJsonText(std::string_view text, std::string& out);

}  // namespace millrace
