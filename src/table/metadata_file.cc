#include "table/metadata_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <memory>

#include "base/error.h"

namespace millrace::table {
namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr int kGzipWindow = 15 + 16;  // the largest window, gzip's header and trailer

}  // namespace

std::string Gunzip(std::string_view bytes, size_t bytes_max) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw Error(ErrorCode::kInternal, "zlib cannot start");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> closer(&stream, &inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string unpacked;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    const size_t before = unpacked.size();
    unpacked.resize(before + 65536);
    stream.next_out = reinterpret_cast<Bytef*>(unpacked.data() + before);
    stream.avail_out = 65536;
    status = inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END) throw Error(ErrorCode::kData, "the gzip data is damaged or cut off");
    unpacked.resize(before + 65536 - stream.avail_out);
    if (unpacked.size() > bytes_max)
      throw Error(ErrorCode::kData, fmt::format("the gzip data unpacks to more than {} bytes", bytes_max));
  }
  return unpacked;
}

TableMetadata ReadMetadataFile(io::ObjectStore& store, const std::string& uri) {
  const auto key = store.KeyOf(uri);
  if (!key) {
    throw Error(ErrorCode::kStop, fmt::format("the table's metadata file {} is outside the warehouse; open the "
                                              "catalogue with the warehouse it belongs to",
                                              uri));
  }
  const auto bytes = store.Get(*key);
  if (!bytes) {
    throw Error(
        ErrorCode::kStop,
        fmt::format("the table's metadata file {} is gone; restore it, or drop the table from the catalogue", uri));
  }
  return WithContext(
      uri, [&] { return ParseMetadata(bytes->starts_with(kGzipMagic) ? Gunzip(*bytes, kMetadataBytesMax) : *bytes); });
}

}  // namespace millrace::table
