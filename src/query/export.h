#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "query/engine.h"
#include "query/printer.h"

namespace millrace::query {

/// One file that is being written. Nothing of it is to be seen before Finish; dropped unfinished, it leaves nothing.
class ExportFile {
 public:
  virtual ~ExportFile() = default;
  virtual void Write(std::string_view bytes) = 0;
  virtual void Finish() && = 0;
};

struct ExportOptions {
  OutputFormat format = OutputFormat::kParquet;
  /// A file ends with the rows that bring it to this size, and another follows (a workbook also when its sheet is full;
  /// its size is that of the cells, before they are packed); 0: everything is one file.
  int64_t part_bytes = 0;
  PrintOptions print = {};
};

struct ExportStats {
  int64_t rows = 0;
  int64_t bytes = 0;
  int64_t files = 0;
};

/// Writes a result as files, which `open` makes by number, from 0 on; the first also when there are no rows, and not
/// before the statement has given its first rows. Holds the rows of one batch and what the format gathers: 32 MiB of
/// Parquet's, one row of a workbook.
ExportStats Export(ResultStream& result, const ExportOptions& options,
                   const std::function<std::unique_ptr<ExportFile>(int64_t part)>& open,
                   const std::function<void(const ExportStats&)>& tell);

}  // namespace millrace::query
