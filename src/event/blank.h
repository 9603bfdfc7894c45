#pragma once

#include <string_view>

namespace millrace::event {

/// A record that holds nothing: white space as JSON has it.
inline bool IsBlank(std::string_view record) { return record.find_first_not_of(" \t\r\n") == std::string_view::npos; }

}  // namespace millrace::event
