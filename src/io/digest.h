#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::io {

/// Raw digests: 32, 20, 16 and 32 bytes.
std::string Sha256(std::string_view bytes);
std::string Sha1(std::string_view bytes);
std::string Md5(std::string_view bytes);
std::string HmacSha256(std::string_view key, std::string_view bytes);

/// Lower-case hexadecimal.
std::string Hex(std::string_view bytes);
/// RFC 4648 with padding.
std::string Base64(std::string_view bytes);
/// nullopt when it is no Base64. The padding may be left out.
std::optional<std::string> Base64Decoded(std::string text);

}  // namespace millrace::io
