#include "land/files_object.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <utility>

#include "base/error.h"

namespace millrace::land {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;

}  // namespace

std::string_view ToString(FilesForm form) {
  switch (form) {
    case FilesForm::kLines:
      return "lines";
    case FilesForm::kParquet:
      return "parquet";
    case FilesForm::kAvro:
      return "avro";
  }
  return "lines";
}

FilesForm ParseFilesForm(std::string_view name) {
  for (const auto form : {FilesForm::kLines, FilesForm::kParquet, FilesForm::kAvro}) {
    if (name == ToString(form)) return form;
  }
  throw Error(ErrorCode::kConfig, fmt::format("files form '{}' is not known; choose lines, parquet or avro", name));
}

std::string_view ToString(FilesCompression compression) {
  switch (compression) {
    case FilesCompression::kNone:
      return "none";
    case FilesCompression::kGzip:
      return "gzip";
    case FilesCompression::kZstd:
      return "zstd";
    case FilesCompression::kSnappy:
      return "snappy";
  }
  return "none";
}

FilesCompression ParseFilesCompression(std::string_view name) {
  for (const auto compression :
       {FilesCompression::kNone, FilesCompression::kGzip, FilesCompression::kZstd, FilesCompression::kSnappy}) {
    if (name == ToString(compression)) return compression;
  }
  throw Error(ErrorCode::kConfig,
              fmt::format("files compression '{}' is not known; choose none, gzip, zstd or snappy", name));
}

std::string_view ToString(FilesRecord record) {
  switch (record) {
    case FilesRecord::kOrigin:
      return "origin";
    case FilesRecord::kJson:
      return "json";
    case FilesRecord::kPayload:
      return "payload";
    case FilesRecord::kText:
      return "text";
    case FilesRecord::kBytes:
      return "bytes";
  }
  return "origin";
}

FilesRecord ParseFilesRecord(std::string_view name) {
  for (const auto record :
       {FilesRecord::kOrigin, FilesRecord::kJson, FilesRecord::kPayload, FilesRecord::kText, FilesRecord::kBytes}) {
    if (name == ToString(record)) return record;
  }
  throw Error(ErrorCode::kConfig,
              fmt::format("files record '{}' is not known; choose origin, json, payload, text or bytes", name));
}

std::string_view ExtensionOf(FilesCompression compression) {
  switch (compression) {
    case FilesCompression::kNone:
      return ".jsonl";
    case FilesCompression::kGzip:
      return ".jsonl.gz";
    case FilesCompression::kZstd:
      return ".jsonl.zst";
    case FilesCompression::kSnappy:
      break;
  }
  return ".jsonl";
}

/// Either packer of a byte stream.
class FilesPacker::Deflater {
 public:
  Deflater(FilesCompression compression, int level) {
    if (compression == FilesCompression::kZstd) {
      zstd_ = ZSTD_createCStream();
      ZSTD_CCtx_setParameter(zstd_, ZSTD_c_compressionLevel, level);
    } else if (deflateInit2(&zlib_, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {  // 16: gzip's header
      throw Error(ErrorCode::kUnavailable, "out of memory for gzip");
    }
  }
  ~Deflater() { zstd_ != nullptr ? static_cast<void>(ZSTD_freeCStream(zstd_)) : static_cast<void>(deflateEnd(&zlib_)); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void Pack(std::string_view bytes, bool last, std::string& out) {
    zstd_ != nullptr ? Zstd(bytes, last, out) : Gzip(bytes, last, out);
  }

 private:
  void Zstd(std::string_view bytes, bool last, std::string& out) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (size_t left = 1; left != 0 || in.pos < in.size;) {
      ZSTD_outBuffer room{buffer_.data(), buffer_.size(), 0};
      left = ZSTD_compressStream2(zstd_, &room, &in, last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left) != 0) throw Error(ErrorCode::kInternal, std::string("zstd: ") + ZSTD_getErrorName(left));
      out.append(buffer_.data(), room.pos);
      if (!last && in.pos == in.size) return;
    }
  }

  void Gzip(std::string_view bytes, bool last, std::string& out) {
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    zlib_.avail_in = static_cast<uInt>(bytes.size());
    for (int code = Z_OK; code != Z_STREAM_END && (last || zlib_.avail_in > 0);) {
      zlib_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      zlib_.avail_out = static_cast<uInt>(buffer_.size());
      code = deflate(&zlib_, last ? Z_FINISH : Z_NO_FLUSH);
      if (code == Z_STREAM_ERROR) throw Error(ErrorCode::kInternal, "zlib lost its state");
      out.append(buffer_.data(), buffer_.size() - zlib_.avail_out);
    }
  }

  ZSTD_CStream* zstd_ = nullptr;
  z_stream zlib_{};
  std::array<char, 64 << 10> buffer_{};
};

FilesPacker::FilesPacker(FilesCompression compression, int level) {
  if (compression == FilesCompression::kSnappy) throw Error(ErrorCode::kConfig, "lines are not written as snappy");
  if (compression != FilesCompression::kNone) deflater_ = std::make_unique<Deflater>(compression, level);
}

FilesPacker::~FilesPacker() = default;
FilesPacker::FilesPacker(FilesPacker&&) noexcept = default;
FilesPacker& FilesPacker::operator=(FilesPacker&&) noexcept = default;

void FilesPacker::Pack(std::string_view bytes, bool last) {
  raw_bytes_ += static_cast<int64_t>(bytes.size());
  deflater_->Pack(bytes, last, packed_);
}

void FilesPacker::Settle() {
  if (!deflater_) return;
  size_t at = 0;
  for (; room_.size() - at >= kBlockBytes; at += kBlockBytes)
    Pack(std::string_view(room_).substr(at, kBlockBytes), false);
  room_.erase(0, at);
}

std::string FilesPacker::Finish() && {
  if (!deflater_) return std::move(room_);
  Pack(std::exchange(room_, {}), true);
  deflater_.reset();
  return std::move(packed_);
}

}  // namespace millrace::land
