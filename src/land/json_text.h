#pragma once

#include <string>
#include <string_view>

namespace millrace::land {

/// Text, which is UTF-8, as a JSON string.
void AppendJsonText(std::string_view text, std::string& out);

void AppendBase64(std::string_view bytes, std::string& out);

}  // namespace millrace::land
