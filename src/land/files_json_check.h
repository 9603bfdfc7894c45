#pragma once

#include <string_view>

namespace millrace::land {

/// Nested deeper than this is no record of ours: simdjson's own limit.
inline constexpr size_t kJsonDepthMax = 1024;

/// Whether `text` is exactly one JSON document of RFC 8259, white space around it allowed. Numbers may be of any size
/// and length, which is why it exists: simdjson refuses those that fit no machine type. It presumes valid UTF-8 without
/// control characters in strings, which simdjson has checked before it looks at numbers.
bool IsJsonDocument(std::string_view text);

}  // namespace millrace::land
