#include "table/avro_compression.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/error.h"

namespace millrace::table {
namespace {

constexpr int kRawDeflate = -MAX_WBITS;
constexpr size_t kStepBytes = size_t{64} << 10;
constexpr int kZstdWindowLogMax = 27;  // 128 MiB: zstd's own limit for streams it did not ask for

[[noreturn]] void Damaged(std::string_view codec) {
  throw Error(ErrorCode::kData,
              fmt::format("a block of it cannot be decompressed as {}: the object is damaged", codec));
}

/// Room for more output, or an error when the block is larger than it may be.
void Grow(std::string& output, size_t used, size_t bytes_max) {
  if (used >= bytes_max) {
    throw Error(ErrorCode::kData, fmt::format("a block of it decompresses to more than {} bytes", bytes_max));
  }
  output.resize(std::min(bytes_max, std::max(output.size() * 2, kStepBytes)));
}

std::string Inflate(std::string_view bytes, size_t bytes_max) {
  z_stream stream{};
  if (inflateInit2(&stream, kRawDeflate) != Z_OK) throw Error(ErrorCode::kInternal, "zlib does not start");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> guard(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string output;
  size_t used = 0;
  for (int code = Z_OK; code != Z_STREAM_END;) {
    if (used == output.size()) Grow(output, used, bytes_max);
    stream.next_out = reinterpret_cast<Bytef*>(output.data() + used);
    stream.avail_out = static_cast<uInt>(output.size() - used);
    code = inflate(&stream, Z_NO_FLUSH);
    const size_t now = output.size() - stream.avail_out;
    if (code != Z_OK && code != Z_STREAM_END) Damaged("deflate");
    if (code == Z_OK && now == used && stream.avail_in == 0) Damaged("deflate");
    used = now;
  }
  output.resize(used);
  return output;
}

std::string UnZstd(std::string_view bytes, size_t bytes_max) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) throw Error(ErrorCode::kInternal, "zstd does not start");
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  std::string output;
  size_t used = 0;
  for (size_t left = 1; left != 0 || input.pos < input.size;) {
    if (used == output.size()) Grow(output, used, bytes_max);
    ZSTD_outBuffer out{output.data(), output.size(), used};
    left = ZSTD_decompressStream(context.get(), &out, &input);
    if (ZSTD_isError(left)) Damaged("zstandard");
    if (left != 0 && out.pos == used && input.pos == input.size) Damaged("zstandard");
    used = out.pos;
  }
  output.resize(used);
  return output;
}

}  // namespace

AvroCompression ParseAvroCompression(std::string_view name) {
  if (name.empty() || name == "null") return AvroCompression::kNull;
  if (name == "deflate") return AvroCompression::kDeflate;
  if (name == "zstandard") return AvroCompression::kZstandard;
  throw Error(ErrorCode::kData,
              fmt::format("it is compressed as {}, which is not read here; rewrite the table's manifests with "
                          "write.avro.compression-codec=gzip or zstd",
                          name));
}

std::string Deflate(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRawDeflate, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw Error(ErrorCode::kInternal, "zlib does not start");
  }
  const std::unique_ptr<z_stream, decltype(&deflateEnd)> guard(&stream, deflateEnd);
  std::string output(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(output.data());
  stream.avail_out = static_cast<uInt>(output.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw Error(ErrorCode::kInternal, "zlib did not finish a block");
  output.resize(stream.total_out);
  return output;
}

std::string Decompress(AvroCompression codec, std::string_view bytes, size_t bytes_max) {
  switch (codec) {
    case AvroCompression::kNull:
      return std::string(bytes);
    case AvroCompression::kDeflate:
      return Inflate(bytes, bytes_max);
    case AvroCompression::kZstandard:
      return UnZstd(bytes, bytes_max);
  }
  return {};
}

}  // namespace millrace::table
