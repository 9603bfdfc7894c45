#include "source/convert/byte_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "io/file_descriptor.h"
#include "io/file_error.h"
#include "source/file/file_name.h"

namespace millrace::source {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr int kZstdLevel = 3;

class PlainSink final : public ByteSink {
 public:
  PlainSink(const std::string& path, bool overwrite) : path_(path), partial_(path + ".partial"), overwrite_(overwrite) {
    file_ = io::FileDescriptor::Open(partial_, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file_.is_open()) throw io::FileError(errno, "create", partial_);
  }
  ~PlainSink() override {
    if (file_.is_open()) ::unlink(partial_.c_str());
  }
  PlainSink(const PlainSink&) = delete;
  PlainSink& operator=(const PlainSink&) = delete;

  void Write(std::string_view bytes) override {
    bytes_written_ += static_cast<int64_t>(bytes.size());
    if (buffer_.size() + bytes.size() > kBufferBytes) Flush();
    if (bytes.size() >= kBufferBytes) {
      io::WriteAll(file_, bytes, partial_);
    } else {
      buffer_ += bytes;
    }
  }

  void Finish() && override {
    Flush();
    io::Sync(file_, partial_);
    const unsigned flags = overwrite_ ? 0 : RENAME_NOREPLACE;
    if (::renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, path_.c_str(), flags) != 0) {
      throw io::FileError(errno, "create", path_);
    }
    file_.Close();
    io::SyncDirectory(std::filesystem::absolute(path_).parent_path());
  }

  int64_t bytes_written() const override { return bytes_written_; }

 private:
  void Flush() {
    io::WriteAll(file_, buffer_, partial_);
    buffer_.clear();
  }

  std::string path_;
  std::string partial_;
  bool overwrite_;
  io::FileDescriptor file_;
  std::string buffer_;
  int64_t bytes_written_ = 0;
};

class GzipSink final : public ByteSink {
 public:
  explicit GzipSink(std::unique_ptr<ByteSink> to) : to_(std::move(to)), packed_(kBufferBytes, '\0') {
    constexpr int kGzipWindow = 15 + 16;
    if (deflateInit2(&zlib_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw Error(ErrorCode::kUnavailable, "no memory to write gzip");
    }
  }
  ~GzipSink() override { deflateEnd(&zlib_); }
  GzipSink(const GzipSink&) = delete;
  GzipSink& operator=(const GzipSink&) = delete;

  void Write(std::string_view bytes) override {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kBufferBytes))) {
      const auto piece = bytes.substr(0, kBufferBytes);
      zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
      zlib_.avail_in = static_cast<uInt>(piece.size());
      Pump(Z_NO_FLUSH);
    }
  }
  void Finish() && override {
    zlib_.avail_in = 0;
    Pump(Z_FINISH);
    std::move(*to_).Finish();
  }
  int64_t bytes_written() const override { return to_->bytes_written(); }

 private:
  void Pump(int flush) {
    do {
      zlib_.next_out = reinterpret_cast<Bytef*>(packed_.data());
      zlib_.avail_out = static_cast<uInt>(packed_.size());
      deflate(&zlib_, flush);
      to_->Write({packed_.data(), packed_.size() - zlib_.avail_out});
    } while (zlib_.avail_out == 0);
  }

  std::unique_ptr<ByteSink> to_;
  z_stream zlib_{};
  std::string packed_;
};

class ZstdSink final : public ByteSink {
 public:
  explicit ZstdSink(std::unique_ptr<ByteSink> to)
      : to_(std::move(to)), packed_(ZSTD_CStreamOutSize(), '\0'), context_(ZSTD_createCCtx()) {
    if (!context_) throw Error(ErrorCode::kUnavailable, "no memory to write zstd");
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }
  void Write(std::string_view bytes) override { Pump(bytes, ZSTD_e_continue); }
  void Finish() && override {
    Pump({}, ZSTD_e_end);
    std::move(*to_).Finish();
  }
  int64_t bytes_written() const override { return to_->bytes_written(); }

 private:
  void Pump(std::string_view bytes, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer out{packed_.data(), packed_.size(), 0};
      const size_t left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
      if (ZSTD_isError(left)) {
        throw Error(ErrorCode::kInternal, fmt::format("zstd: {}", ZSTD_getErrorName(left)));
      }
      to_->Write({packed_.data(), out.pos});
      if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) return;
    }
  }

  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ByteSink> to_;
  std::string packed_;
  std::unique_ptr<ZSTD_CCtx, Free> context_;
};

}  // namespace

std::unique_ptr<ByteSink> MakeByteSink(const std::string& path, Compression compression, bool overwrite) {
  if (!overwrite && std::filesystem::exists(path)) {
    throw Error(ErrorCode::kUsage, fmt::format("{} exists already: remove it or choose another name", path));
  }
  if (compression == Compression::kAuto) compression = CompressionOfName(path);
  auto plain = std::make_unique<PlainSink>(path, overwrite);
  switch (compression) {
    case Compression::kGzip:
      return std::make_unique<GzipSink>(std::move(plain));
    case Compression::kZstd:
      return std::make_unique<ZstdSink>(std::move(plain));
    case Compression::kAuto:
    case Compression::kNone:
      return plain;
  }
  return plain;
}

}  // namespace millrace::source
