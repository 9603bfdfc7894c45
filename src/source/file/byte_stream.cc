#include "source/file/byte_stream.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace millrace::source {
namespace {

constexpr size_t kRawBlockBytes = size_t{128} << 10;
/// Below this much output nothing is taken for a bomb.
constexpr int64_t kBombBytesMin = int64_t{64} << 20;

class PlainStream final : public ByteStream {
 public:
  PlainStream(const OpenFile& file, const StreamLimits& limits) : file_(file), raw_end_(limits.raw_bytes_max) {}

  size_t Read(char* to, size_t size) override {
    const auto wanted = std::min(static_cast<int64_t>(size), raw_end_ - offset_);
    const auto got = io::ReadAt(file_.descriptor, to, wanted, offset_, file_.path);
    offset_ += got;
    state_ = got < static_cast<int64_t>(size) ? StreamState::kBetween : StreamState::kFlowing;
    return static_cast<size_t>(got);
  }
  StreamState state() const override { return state_; }
  int64_t raw_offset() const override { return offset_; }
  std::string problem() const override { return {}; }
  bool Jump(int64_t offset) override {
    offset_ = offset;
    return true;
  }

 private:
  const OpenFile& file_;
  int64_t raw_end_;
  int64_t offset_ = 0;
  StreamState state_ = StreamState::kFlowing;
};

/// What gzip and zstd share: raw blocks in, a decoder, limits.
class PackedStream : public ByteStream {
 public:
  PackedStream(const OpenFile& file, const StreamLimits& limits) : file_(file), limits_(limits) {}

  size_t Read(char* to, size_t size) override {
    size_t done = 0;
    if (state_ != StreamState::kBroken) state_ = StreamState::kFlowing;
    while (done < size && state_ == StreamState::kFlowing) {
      if (input_at_ == input_size_ && !Refill() && !HasBufferedOutput()) {
        state_ = Whole() ? StreamState::kBetween : StreamState::kMidway;
        break;
      }
      const size_t made = Decode(to + done, size - done);
      done += made;
      decompressed_ += static_cast<int64_t>(made);
      CheckLimits();
    }
    return done;
  }
  StreamState state() const override { return state_; }
  int64_t raw_offset() const override { return raw_offset_ - static_cast<int64_t>(input_size_ - input_at_); }
  std::string problem() const override { return problem_; }
  bool Jump(int64_t) override { return false; }

 protected:
  /// Takes from input(), advances it by Take, returns the bytes made.
  virtual size_t Decode(char* to, size_t size) = 0;
  /// Whether the data so far ends where a member or frame ends.
  virtual bool Whole() const = 0;
  /// The decoder holds output that needs no input.
  virtual bool HasBufferedOutput() const = 0;

  std::string_view input() const { return {input_.data() + input_at_, input_size_ - input_at_}; }
  void Take(size_t bytes) { input_at_ += bytes; }
  void Break(std::string problem) {
    problem_ = std::move(problem);
    state_ = StreamState::kBroken;
  }

 private:
  bool Refill() {
    const auto wanted = std::min(static_cast<int64_t>(input_.size()), limits_.raw_bytes_max - raw_offset_);
    const auto got = io::ReadAt(file_.descriptor, input_.data(), wanted, raw_offset_, file_.path);
    raw_offset_ += got;
    input_at_ = 0;
    input_size_ = static_cast<size_t>(got);
    return got > 0;
  }

  void CheckLimits() {
    if (decompressed_ > limits_.decompressed_bytes_max) {
      Break(fmt::format("it grows beyond {} bytes; raise the limit if that is right", limits_.decompressed_bytes_max));
    } else if (decompressed_ > kBombBytesMin &&
               static_cast<double>(decompressed_) > limits_.expansion_max * static_cast<double>(raw_offset())) {
      Break(fmt::format("it grows more than {} times, as a bomb does; decompress it by hand if that is right",
                        limits_.expansion_max));
    }
  }

  const OpenFile& file_;
  StreamLimits limits_;
  std::array<char, kRawBlockBytes> input_;
  size_t input_at_ = 0;
  size_t input_size_ = 0;
  int64_t raw_offset_ = 0;
  int64_t decompressed_ = 0;
  StreamState state_ = StreamState::kFlowing;
  std::string problem_;
};

/// One or more gzip members (RFC 1952), zero bytes between and behind them ignored, as gzip does.
class GzipStream final : public PackedStream {
 public:
  GzipStream(const OpenFile& file, const StreamLimits& limits) : PackedStream(file, limits) {
    if (inflateInit2(&zlib_, kGzipWindow) != Z_OK) throw Error(ErrorCode::kUnavailable, "no memory to read gzip");
  }
  ~GzipStream() override { inflateEnd(&zlib_); }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

 protected:
  size_t Decode(char* to, size_t size) override {
    if (!in_member_) {
      SkipPadding();
      if (input().empty()) return 0;
      inflateReset(&zlib_);
      in_member_ = true;
    }
    const auto in = input();
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    zlib_.avail_in = static_cast<uInt>(in.size());
    zlib_.next_out = reinterpret_cast<Bytef*>(to);
    zlib_.avail_out = static_cast<uInt>(std::min<size_t>(size, size_t{1} << 30));
    const uInt room = zlib_.avail_out;
    const int result = inflate(&zlib_, Z_NO_FLUSH);
    Take(in.size() - zlib_.avail_in);
    full_ = zlib_.avail_out == 0;
    if (result == Z_STREAM_END) {
      in_member_ = false;
      full_ = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      Break(fmt::format("its gzip data is damaged ({})", zlib_.msg != nullptr ? zlib_.msg : "no gzip header"));
    }
    return room - zlib_.avail_out;
  }
  bool Whole() const override { return !in_member_; }
  bool HasBufferedOutput() const override { return full_; }

 private:
  static constexpr int kGzipWindow = 15 + 16;

  void SkipPadding() {
    while (!input().empty() && input().front() == '\0') Take(1);
  }

  z_stream zlib_{};
  bool in_member_ = false;
  bool full_ = false;  // the last call filled its room: there may be more without input
};

/// One or more zstd frames (RFC 8878), skippable ones among them.
class ZstdStream final : public PackedStream {
 public:
  ZstdStream(const OpenFile& file, const StreamLimits& limits)
      : PackedStream(file, limits), context_(ZSTD_createDCtx()) {
    if (!context_) throw Error(ErrorCode::kUnavailable, "no memory to read zstd");
  }

 protected:
  size_t Decode(char* to, size_t size) override {
    const auto in = input();
    ZSTD_inBuffer source{in.data(), in.size(), 0};
    ZSTD_outBuffer target{to, size, 0};
    const size_t result = ZSTD_decompressStream(context_.get(), &target, &source);
    Take(source.pos);
    if (ZSTD_isError(result)) {
      full_ = false;
      Break(fmt::format("its zstd data is damaged or needs too much memory ({})", ZSTD_getErrorName(result)));
      return target.pos;
    }
    whole_ = result == 0;
    full_ = target.pos == target.size && !whole_;
    return target.pos;
  }
  bool Whole() const override { return whole_; }
  bool HasBufferedOutput() const override { return full_; }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> context_;
  bool whole_ = true;
  bool full_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> MakeByteStream(const OpenFile& file, Compression compression, const StreamLimits& limits) {
  switch (compression) {
    case Compression::kGzip:
      return std::make_unique<GzipStream>(file, limits);
    case Compression::kZstd:
      return std::make_unique<ZstdStream>(file, limits);
    case Compression::kAuto:
    case Compression::kNone:
      return std::make_unique<PlainStream>(file, limits);
  }
  return std::make_unique<PlainStream>(file, limits);
}

Compression DetectCompression(std::string_view head) {
  if (head.starts_with("\x1f\x8b")) return Compression::kGzip;
  if (head.starts_with("\x28\xb5\x2f\xfd")) return Compression::kZstd;
  const bool skippable = head.size() >= 4 && (head[0] & 0xF0) == 0x50 && head.substr(1, 3) == "\x2a\x4d\x18";
  return skippable ? Compression::kZstd : Compression::kNone;
}

std::string_view ToString(Compression compression) {
  switch (compression) {
    case Compression::kGzip:
      return "gzip";
    case Compression::kZstd:
      return "zstd";
    case Compression::kAuto:
    case Compression::kNone:
      return "plain";
  }
  return "plain";
}

}  // namespace millrace::source
