#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "land/object_stream.h"
#include "land/parquet_encoder.h"

namespace parquet {
class FileMetaData;
}  // namespace parquet

namespace millrace::land {

/// What is known of a finished Parquet file: its footer, and what a footer cannot say.
struct WrittenParquet {
  std::string key;
  int64_t size_bytes = 0;
  std::shared_ptr<parquet::FileMetaData> footer;
  std::vector<int64_t> nan_counts;  // one a leaf column; 0 for those that are no floating point
};

/// One Parquet file being written, a row group a call. Encodings are chosen from the first row group, or taken from
/// `chosen` when it is small. Nothing is visible before Close; dropping it leaves nothing. Single-threaded.
class ParquetFile {
 public:
  /// `schema` is ToArrow's form of the table's, field ids and all. `chosen` is of the same schema and outlives it.
  ParquetFile(io::ObjectStore& store, std::string key, const std::shared_ptr<arrow::Schema>& schema, int zstd_level,
              ChosenEncodings& chosen);
  ~ParquetFile();
  ParquetFile(const ParquetFile&) = delete;
  ParquetFile& operator=(const ParquetFile&) = delete;

  /// `rows` have the schema's types; at least one row.
  void WriteRowGroup(const arrow::Table& rows);
  int64_t written_bytes() const;
  WrittenParquet Close() &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Makes a data file durable and visible once its footer is in. Error kStop when there is one of its name.
void FinishDataFile(io::ObjectStore& store, const std::string& key, ObjectOutput& output);

}  // namespace millrace::land
