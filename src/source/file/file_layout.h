#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/file/byte_stream.h"
#include "source/file/csv_fields.h"
#include "source/file/file_options.h"

namespace millrace::source {

/// How one file is to be read. A function of the options, the name and the first `head_bytes` bytes (as the file's
/// split has them), so that a later run reads the file in the same way, however much it has grown.
struct FileLayout {
  FileFormat format = FileFormat::kJsonLines;    // never kAuto
  Compression compression = Compression::kNone;  // never kAuto
  size_t bom_bytes = 0;
  bool is_array = false;  // the first token is '['
  CsvDialect dialect;
  std::string sample;                         // CSV: the front of the file, which sample_rows point into
  std::vector<std::string_view> sample_rows;  // CSV: whole rows, the header among them

  FileLayout() = default;
  FileLayout(FileLayout&&) = delete;  // sample_rows point into sample
};

/// Error kData when the head has no whole row of a CSV file: its header is too long.
std::unique_ptr<const FileLayout> DetectLayout(const OpenFile& file, const FileSourceOptions& options,
                                               int64_t head_bytes);

}  // namespace millrace::source
