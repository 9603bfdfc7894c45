#include "source/http_ingest/unpack.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "io/http_call.h"

namespace millrace::source {
namespace {

constexpr size_t kGraceBytes = size_t{1} << 20;
/// What a decompressor may keep of what it gave out: 8 MiB, the most that RFC 9659 lets a sender ask for.
constexpr int kWindowLogMax = 23;

[[noreturn]] void RefuseBroken(std::string_view encoding) {
  throw io::HttpRefusal(400, fmt::format("the body is no whole {}", encoding));
}

/// Grows by doubling as far as the limits allow.
class Output {
 public:
  Output(size_t packed, const UnpackLimits& limits) {
    const double by_ratio =
        std::max(static_cast<double>(kGraceBytes), static_cast<double>(packed) * limits.expansion_max);
    limit_ = std::min<size_t>(static_cast<size_t>(limits.bytes_max), static_cast<size_t>(by_ratio));
    buffer_ = PaddedBuffer::Allocate(std::min(limit_, std::max<size_t>(packed * 4, 4096)));
  }

  char* space() { return buffer_->data() + size_; }
  size_t room() const { return buffer_->capacity() - size_; }
  void Wrote(size_t bytes) { size_ += bytes; }
  void Grow() {
    if (room() > 0) return;
    if (buffer_->capacity() >= limit_) {
      throw io::HttpRefusal(413,
                            fmt::format("the body unpacks to more than the {} bytes that are taken of it", limit_));
    }
    const auto larger = PaddedBuffer::Allocate(std::min(limit_, buffer_->capacity() * 2));
    std::memcpy(larger->data(), buffer_->data(), size_);
    buffer_ = larger;
  }
  std::shared_ptr<PaddedBuffer> Finish() {
    buffer_->Resize(size_);
    return buffer_;
  }

 private:
  size_t limit_ = 0;
  size_t size_ = 0;
  std::shared_ptr<PaddedBuffer> buffer_;
};

/// One byte of room more is asked for when all is full, so that the end is seen and not taken for a body too large.
void UnpackGzip(std::string_view body, Output& out) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) throw io::HttpRefusal(503, "no memory to unpack with");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, &inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  for (;;) {
    const size_t room = out.room();
    Bytef spare = 0;  // where the end shows itself although nothing more fits
    stream.next_out = room > 0 ? reinterpret_cast<Bytef*>(out.space()) : &spare;
    stream.avail_out = room > 0 ? static_cast<uInt>(room) : 1;
    const int code = inflate(&stream, Z_NO_FLUSH);
    if (room > 0) {
      out.Wrote(room - stream.avail_out);
    } else if (stream.avail_out == 0) {
      out.Grow();
      *out.space() = static_cast<char>(spare);
      out.Wrote(1);
    }
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0) return;
      if (inflateReset(&stream) != Z_OK) RefuseBroken("gzip");  // another member follows
    } else if (code != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) {
      RefuseBroken("gzip");
    }
  }
}

void UnpackZstd(std::string_view body, Output& out) {
  const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(), &ZSTD_freeDStream);
  if (!stream) throw io::HttpRefusal(503, "no memory to unpack with");
  ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  ZSTD_inBuffer in{body.data(), body.size(), 0};
  for (size_t left = 1; in.pos < in.size || left != 0;) {
    char spare = 0;
    const size_t room = out.room();
    ZSTD_outBuffer piece{room > 0 ? out.space() : &spare, room > 0 ? room : 1, 0};
    const size_t before = in.pos;
    left = ZSTD_decompressStream(stream.get(), &piece, &in);
    if (ZSTD_isError(left) != 0) RefuseBroken("zstd (of a window of at most 8 MiB)");
    if (room == 0 && piece.pos == 1) {
      out.Grow();
      *out.space() = spare;
    }
    out.Wrote(piece.pos);
    if (left != 0 && in.pos == before && piece.pos == 0) RefuseBroken("zstd");
  }
}

}  // namespace

std::shared_ptr<PaddedBuffer> Unpack(std::string_view body, std::string_view encoding, const UnpackLimits& limits) {
  const bool plain = encoding.empty() || io::SameHeaderName(encoding, "identity");
  const bool gzip = io::SameHeaderName(encoding, "gzip") || io::SameHeaderName(encoding, "x-gzip");
  if (!plain && !gzip && !io::SameHeaderName(encoding, "zstd")) {
    throw io::HttpRefusal(415, "send the body as it is, or with Content-Encoding gzip or zstd",
                          {{"Accept-Encoding", "gzip, zstd"}});
  }
  if (plain) {
    auto buffer = PaddedBuffer::Allocate(body.size());
    std::memcpy(buffer->data(), body.data(), body.size());
    buffer->Resize(body.size());
    return buffer;
  }
  Output out(body.size(), limits);
  gzip ? UnpackGzip(body, out) : UnpackZstd(body, out);
  return out.Finish();
}

}  // namespace millrace::source
