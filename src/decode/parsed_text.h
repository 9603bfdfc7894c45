#pragma once

#include <string_view>

#include "decode/column.h"

namespace millrace::decode {

/// Appends what a text says to a column of UUIDs, dates, times, timestamps without a zone, or bytes (in Base64). False,
/// and nothing is appended, when it says no such thing.
bool AppendParsedText(std::string_view text, Column& column);

}  // namespace millrace::decode
