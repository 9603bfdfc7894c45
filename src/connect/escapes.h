#pragma once

#include <string>
#include <string_view>

namespace millrace::connect {

/// What java.util.Properties makes of an escaped text. Error kConfig for \uXXXX, which is not read.
std::string Unescaped(std::string_view text);

}  // namespace millrace::connect
