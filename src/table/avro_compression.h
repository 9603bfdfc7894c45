#pragma once

#include <string>
#include <string_view>

namespace millrace::table {

/// The codecs of Avro's container, by their names in its header.
enum class AvroCompression { kNull, kDeflate, kZstandard, kSnappy };

/// "null", "deflate", "zstandard", "snappy".
std::string_view ToString(AvroCompression codec);
/// Error kData for a codec this version does not read.
AvroCompression ParseAvroCompression(std::string_view name);

/// One block, as the codec packs it: deflate raw, without zlib's header; snappy with the checksum behind it. `level` is
/// of deflate and zstandard; -1: the library's own.
std::string Compress(AvroCompression codec, std::string_view bytes, int level = -1);

/// One block. Error kData when the bytes are damaged or grow past `bytes_max`.
std::string Decompress(AvroCompression codec, std::string_view bytes, size_t bytes_max);

}  // namespace millrace::table
