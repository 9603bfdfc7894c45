#pragma once

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
/// What Hex was made of. Error kInternal for anything else.
std::string FromHex(std::string_view hex);
/// RFC 4648 with padding.
std::string Base64(std::string_view bytes);
/// RFC 4648, section 5, without padding: what JWTs are made of.
std::string Base64Url(std::string_view bytes);
/// RFC 4648, standard or URL alphabet, padding optional: how JSON carries bytes. False when it is none; `out` is
/// appended to.
bool DecodeBase64(std::string_view text, std::string& out);

}  // namespace millrace::io
