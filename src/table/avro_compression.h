#pragma once

#include <string>
#include <string_view>

namespace millrace::table {

/// The codecs that writers of Iceberg manifests use, by their names in Avro's header.
enum class AvroCompression { kNull, kDeflate, kZstandard };

/// Error kData for a codec this version does not read.
AvroCompression ParseAvroCompression(std::string_view name);

/// Raw deflate (no zlib header), as Avro has it.
std::string Deflate(std::string_view bytes);

/// One block. Error kData when the bytes are damaged or grow past `bytes_max`.
std::string Decompress(AvroCompression codec, std::string_view bytes, size_t bytes_max);

}  // namespace millrace::table
