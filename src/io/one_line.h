#pragma once

#include <cstddef>
#include <string>

namespace millrace::io {

/// What another process says, as a part of one line of ours: control characters become spaces, the end beyond
/// `bytes_max` goes.
std::string OneLine(std::string text, size_t bytes_max);

}  // namespace millrace::io
