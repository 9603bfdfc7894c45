#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::stream {

/// CRC-32C (Castagnoli, RFC 3720 B.4), continuing from `crc`, which is 0 at the start.
uint32_t Crc32c(std::string_view bytes, uint32_t crc = 0);

}  // namespace millrace::stream
