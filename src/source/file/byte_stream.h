#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "io/file_descriptor.h"
#include "source/file/file_options.h"

namespace millrace::source {

/// An open file and what to call it. Shared by the streams over it.
struct OpenFile {
  std::string path;
  io::FileDescriptor descriptor;
};

/// How the bytes read so far ended.
enum class StreamState {
  kFlowing,  // there may be more at once
  kBetween,  // nothing more now, and what there was is whole
  kMidway,   // nothing more now, and the compressed data is not whole
  kBroken,   // what follows cannot be read, ever
};

struct StreamLimits {
  int64_t raw_bytes_max = INT64_MAX;  // pretend the file ends here
  double expansion_max = 1000;
  int64_t decompressed_bytes_max = INT64_MAX;
};

/// The bytes of one file, decompressed, front to back. A file that grows is read on by calling again. Bounded memory,
/// whatever the file says. Single-threaded; the file outlives it.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  /// Fills up to `size` bytes; fewer only when the state is not kFlowing afterwards.
  virtual size_t Read(char* to, size_t size) = 0;
  virtual StreamState state() const = 0;
  /// How many bytes of the file were taken in.
  virtual int64_t raw_offset() const = 0;
  /// Why it is broken.
  virtual std::string problem() const = 0;
  /// Goes to byte `offset` at once, which only streams of uncompressed files can: false elsewhere.
  virtual bool Jump(int64_t offset) = 0;
};

/// `compression` is not kAuto. Error kUnavailable or kStop when the disk fails.
std::unique_ptr<ByteStream> MakeByteStream(const OpenFile& file, Compression compression, const StreamLimits& limits);

/// By the first bytes of a file.
Compression DetectCompression(std::string_view head);

/// "gzip", for messages.
std::string_view ToString(Compression compression);

}  // namespace millrace::source
