#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::table {

/// MurmurHash3 x86 32-bit with seed 0: the hash of the bucket transform (Iceberg spec, appendix B). Frozen.
int32_t Murmur3(std::string_view bytes);
/// The hash of the 8 little-endian bytes of a long.
int32_t Murmur3(int64_t number);

}  // namespace millrace::table
