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

std::string ReadMetadataText(io::ObjectStore& store, const std::string& uri) {
  const auto key = store.KeyOf(uri);
  if (!key) {
    throw Error(ErrorCode::kStop, fmt::format("the metadata file {} is outside the warehouse; open the "
                                              "catalogue with the warehouse it belongs to",
                                              uri));
  }
  auto bytes = store.Get(*key);
  if (!bytes) {
    throw Error(
        ErrorCode::kStop,
        fmt::format("the metadata file {} is gone; restore it, or drop what it tells of from the catalogue", uri));
  }
  if (!bytes->starts_with(kGzipMagic)) return *std::move(bytes);
  return WithContext(uri, [&] { return Gunzip(*bytes, kMetadataBytesMax); });
}

TableMetadata ReadMetadataFile(io::ObjectStore& store, const std::string& uri) {
  const auto text = ReadMetadataText(store, uri);
  return WithContext(uri, [&] { return ParseMetadata(text); });
}

}  // namespace millrace::table
