#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "query/printer.h"

namespace millrace::query {

/// One format's way to write rows. Begin, any number of batches, End.
class ResultPrinter {
 public:
  virtual ~ResultPrinter() = default;
  virtual void Begin(const std::shared_ptr<arrow::Schema>& schema) = 0;
  virtual void Write(const arrow::RecordBatch& rows) = 0;
  virtual void End() = 0;
  /// How many rows there may be.
  virtual int64_t rows_max() const { return INT64_MAX; }
  /// What will be written of the rows so far and was not yet, as far as it can be told.
  virtual int64_t bytes_waiting() const { return 0; }
};

std::unique_ptr<ResultPrinter> MakeTablePrinter(const PrintOptions& options, std::ostream& out);
std::unique_ptr<ResultPrinter> MakeJsonPrinter(bool lines, std::ostream& out);
std::unique_ptr<ResultPrinter> MakeCsvPrinter(std::ostream& out);
std::unique_ptr<ResultPrinter> MakeArrowPrinter(std::ostream& out);
std::unique_ptr<ResultPrinter> MakeParquetPrinter(const PrintOptions& options, std::ostream& out);
std::unique_ptr<ResultPrinter> MakeXlsxPrinter(const PrintOptions& options, std::ostream& out);

std::unique_ptr<ResultPrinter> MakePrinter(OutputFormat format, const PrintOptions& options, std::ostream& out);

/// The schema's names, a repeated one with "_2", "_3" behind it.
std::vector<std::string> UniqueNames(const arrow::Schema& schema);

}  // namespace millrace::query
