#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "source/file/file_options.h"

namespace millrace::source {

/// One new file, compressed on the way. It is written under "<path>.partial" and gets its name, durably, by Finish;
/// dropped unfinished, it leaves nothing. Single-threaded.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void Write(std::string_view bytes) = 0;
  virtual void Finish() && = 0;
  /// As they lie on disk, so far.
  virtual int64_t bytes_written() const = 0;
};

/// kAuto goes by the name: .gz, .zst. Error kUsage when `path` exists and `overwrite` is not given.
std::unique_ptr<ByteSink> MakeByteSink(const std::string& path, Compression compression, bool overwrite);

}  // namespace millrace::source
