#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::decode {

/// "123e4567-e89b-12d3-a456-426614174000", either case, to its 16 bytes.
bool ParseUuid(std::string_view text, uint8_t* out);

}  // namespace millrace::decode
