#pragma once

#include <arrow/type_fwd.h>
#include <arrow/util/type_fwd.h>

#include <cstdint>
#include <memory>

namespace arrow::io {
class OutputStream;
}  // namespace arrow::io

namespace parquet {
class FileMetaData;
class WriterProperties;
}  // namespace parquet

namespace millrace::land {

/// Encodings that were chosen for one file, and serve for others of the table with about as many rows: trying out
/// encodings costs more than a small file is worth.
struct ChosenEncodings {
  std::shared_ptr<parquet::WriterProperties> properties;
  int64_t rows = 0;
  int uses = 0;
};

/// How pages are packed; the level is for codecs that have one.
struct ParquetPacking {
  arrow::Compression::type codec = arrow::Compression::ZSTD;
  int level = 1;
};

/// Rows as one Parquet file into a stream, a row group a call. Encodings are chosen from the first row group, or taken
/// from `chosen` when it is small. Its bytes are a function of the rows and of `chosen`. Single-threaded.
class ParquetEncoder {
 public:
  /// `schema` is ToArrow's form of the table's, field ids and all. `chosen` is of the same schema and packing, and
  /// outlives it.
  ParquetEncoder(std::shared_ptr<arrow::io::OutputStream> output, const std::shared_ptr<arrow::Schema>& schema,
                 ParquetPacking packing, ChosenEncodings& chosen);
  ~ParquetEncoder();
  ParquetEncoder(const ParquetEncoder&) = delete;
  ParquetEncoder& operator=(const ParquetEncoder&) = delete;

  /// `rows` have the schema's types; at least one row.
  void WriteRowGroup(const arrow::Table& rows);
  /// Writes the footer; the stream stays open.
  std::shared_ptr<parquet::FileMetaData> Close() &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::land
