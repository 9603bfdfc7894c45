#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::decode {

/// "123e4567-e89b-12d3-a456-426614174000", either case, to its 16 bytes.
bool ParseUuid(std::string_view text, uint8_t* out);

/// RFC 4648, standard or URL alphabet, padding optional: how JSON carries bytes. False when it is none; `out` is
/// appended to.
bool DecodeBase64(std::string_view text, std::string& out);

}  // namespace millrace::decode
