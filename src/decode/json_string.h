#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::decode {

struct Unescaped {
  enum class Result {
    kOk,
    kBadEscape,      // not JSON
    kLoneSurrogate,  // JSON, but no text: half a UTF-16 pair
  };
  Result result = Result::kOk;
  size_t size = 0;  // bytes written
};

/// Writes the text of a JSON string (`raw`: between the quotes) to `out`, which has room for raw.size() bytes: UTF-8
/// never needs more than its escaped form.
Unescaped Unescape(std::string_view raw, char* out);

/// The text of a key; nullopt when it is none.
std::optional<std::string> UnescapeKey(std::string_view raw);

}  // namespace millrace::decode
