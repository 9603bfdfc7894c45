#include "table/avro_compression.h"

#include <arrow/util/compression.h>
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

std::string Deflate(std::string_view bytes, int level) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, kRawDeflate, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
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

constexpr size_t kChecksumBytes = 4;

arrow::util::Codec& Snappy() {
  static const auto codec = arrow::util::Codec::Create(arrow::Compression::SNAPPY);
  if (!codec.ok()) throw Error(ErrorCode::kInternal, "snappy does not start: " + codec.status().ToString());
  return **codec;
}

/// Of the bytes before they were packed, most significant byte first.
std::string Checksum(std::string_view bytes) {
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size()));
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(sum >> shift & 0xFF);
  return text;
}

std::string PackSnappy(std::string_view bytes) {
  const auto* input = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto size = static_cast<int64_t>(bytes.size());
  std::string output(static_cast<size_t>(Snappy().MaxCompressedLen(size, input)), '\0');
  const auto packed =
      Snappy().Compress(size, input, static_cast<int64_t>(output.size()), reinterpret_cast<uint8_t*>(output.data()));
  if (!packed.ok()) throw Error(ErrorCode::kInternal, "snappy did not finish a block: " + packed.status().ToString());
  output.resize(static_cast<size_t>(*packed));
  return output + Checksum(bytes);
}

/// What snappy says in front how much it holds: seven bits a byte, the least significant first.
size_t SnappySize(std::string_view bytes) {
  uint64_t size = 0;
  for (size_t i = 0; i < bytes.size() && i < 5; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    size |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
    if ((byte & 0x80) == 0) return size;
  }
  Damaged("snappy");
}

std::string UnSnappy(std::string_view bytes, size_t bytes_max) {
  if (bytes.size() < kChecksumBytes) Damaged("snappy");
  const auto packed = bytes.substr(0, bytes.size() - kChecksumBytes);
  const size_t size = SnappySize(packed);
  if (size > bytes_max) {
    throw Error(ErrorCode::kData, fmt::format("a block of it decompresses to more than {} bytes", bytes_max));
  }
  std::string output(size, '\0');
  const auto read =
      Snappy().Decompress(static_cast<int64_t>(packed.size()), reinterpret_cast<const uint8_t*>(packed.data()),
                          static_cast<int64_t>(size), reinterpret_cast<uint8_t*>(output.data()));
  if (!read.ok() || static_cast<size_t>(*read) != size) Damaged("snappy");
  if (Checksum(output) != bytes.substr(packed.size())) Damaged("snappy");
  return output;
}

std::string Zstd(std::string_view bytes, int level) {
  std::string output(ZSTD_compressBound(bytes.size()), '\0');
  const auto size =
      ZSTD_compress(output.data(), output.size(), bytes.data(), bytes.size(), level < 0 ? ZSTD_defaultCLevel() : level);
  if (ZSTD_isError(size) != 0) throw Error(ErrorCode::kInternal, std::string("zstd: ") + ZSTD_getErrorName(size));
  output.resize(size);
  return output;
}

}  // namespace

std::string_view ToString(AvroCompression codec) {
  switch (codec) {
    case AvroCompression::kNull:
      return "null";
    case AvroCompression::kDeflate:
      return "deflate";
    case AvroCompression::kZstandard:
      return "zstandard";
    case AvroCompression::kSnappy:
      return "snappy";
  }
  return "null";
}

AvroCompression ParseAvroCompression(std::string_view name) {
  if (name.empty() || name == "null") return AvroCompression::kNull;
  if (name == "deflate") return AvroCompression::kDeflate;
  if (name == "zstandard") return AvroCompression::kZstandard;
  if (name == "snappy") return AvroCompression::kSnappy;
  throw Error(ErrorCode::kData,
              fmt::format("it is compressed as {}, which is not read here; rewrite the table's manifests with "
                          "write.avro.compression-codec=gzip or zstd",
                          name));
}

std::string Compress(AvroCompression codec, std::string_view bytes, int level) {
  switch (codec) {
    case AvroCompression::kNull:
      return std::string(bytes);
    case AvroCompression::kDeflate:
      return Deflate(bytes, level);
    case AvroCompression::kZstandard:
      return Zstd(bytes, level);
    case AvroCompression::kSnappy:
      return PackSnappy(bytes);
  }
  return {};
}

std::string Decompress(AvroCompression codec, std::string_view bytes, size_t bytes_max) {
  switch (codec) {
    case AvroCompression::kNull:
      return std::string(bytes);
    case AvroCompression::kDeflate:
      return Inflate(bytes, bytes_max);
    case AvroCompression::kZstandard:
      return UnZstd(bytes, bytes_max);
    case AvroCompression::kSnappy:
      return UnSnappy(bytes, bytes_max);
  }
  return {};
}

}  // namespace millrace::table
