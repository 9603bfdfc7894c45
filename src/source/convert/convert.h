#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "event/source.h"
#include "source/file/file_options.h"

namespace millrace::source {

struct ConvertStats {
  int64_t records = 0;         // written
  int64_t rejected = 0;        // no JSON, or nothing the format can hold
  int64_t bytes_in = 0;        // of the files that were read, as they lie on disk
  int64_t bytes_in_total = 0;  // 0: not known
  int64_t bytes_out = 0;
  /// Where rejected records are, one a line as they came; empty when there are none.
  std::string rejects_path;
};

/// Called now and then, and at the end.
using ConvertProgress = std::function<void(const ConvertStats&)>;

struct ConvertOptions {
  FileSourceOptions from;  // follow is ignored
  std::string to;
  /// kAuto: by the name; what ends in .json becomes an array, and what says nothing JSON lines.
  FileFormat to_format = FileFormat::kAuto;
  Compression to_compression = Compression::kAuto;  // by the name
  bool overwrite = false;
};

/// CSV, JSON lines and JSON arrays into each other, plain, gzip or zstd, in bounded memory. Into CSV the input is read
/// twice, first for its columns. What cannot be written goes to "<to>.rejected". Nothing is left at `to` on an Error.
ConvertStats Convert(const ConvertOptions& options, const ConvertProgress& progress);

/// Writes what a bounded source gives, for `generate -o FILE`: as Convert, with the source's first batch naming the
/// columns of CSV. `options.from` is not looked at.
ConvertStats WriteRecords(event::Source& source, const ConvertOptions& options, const ConvertProgress& progress);

}  // namespace millrace::source
