#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>

#include "land/files_plan.h"
#include "land/parquet_encoder.h"
#include "schema/schema.h"

namespace millrace::land {

/// One file of columns in the making, in memory. Its bytes are a function of the batches that were appended.
/// Single-threaded.
class ColumnFile {
 public:
  virtual ~ColumnFile() = default;

  /// In ToArrow's form of the file's columns; at least one row.
  virtual void Append(std::shared_ptr<arrow::RecordBatch> rows) = 0;
  /// What is encoded so far.
  virtual int64_t written_bytes() const = 0;
  /// What it holds in memory.
  virtual int64_t held_bytes() const = 0;
  /// The whole file; at least one row was appended.
  virtual std::string Finish() && = 0;
};

/// The file of a key, as `encoding` says. `chosen` is of the columns, and outlives it.
std::unique_ptr<ColumnFile> MakeColumnFile(const std::string& key, const FilesEncoding& encoding,
                                           const std::shared_ptr<arrow::Schema>& columns, ChosenEncodings& chosen);

}  // namespace millrace::land
