#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/byte_budget.h"
#include "io/object_store.h"
#include "table/data_file.h"
#include "table/metadata.h"

namespace millrace::land {

struct DataFileWriterOptions {
  int64_t file_size_target_bytes = int64_t{256} << 20;
  int zstd_level = 1;
  int64_t row_group_bytes = int64_t{64} << 20;    // of one partition, buffered, before encoding
  int64_t buffer_bytes_max = int64_t{256} << 20;  // of all partitions: above it the largest is encoded
  /// Names of this writer's files start with it; unique per writer, so that names never collide.
  std::string file_prefix = "data";
  /// On local disk: rows that are spread over so many partitions that each has little wait here until Finish, so that a
  /// partition becomes few files. Empty: they are encoded early instead.
  std::filesystem::path spill_folder = {};
  /// Given: rows are written with a number each, and whoever asked learns of every file that is closed, and the numbers
  /// of its rows in their order.
  std::function<void(const table::DataFile& file, std::vector<uint32_t> numbers)> on_closed = {};
};

/// Arrow rows to Parquet data files of one table: splits rows by partition, sorts within a row group, rolls by size,
/// and measures each file for its manifest entry. A partition costs its rows and nothing else until it is encoded: that
/// happens when it has a row group full, when the writer holds too much, or when the budget is under pressure (largest
/// first), so memory does not grow with the number of open partitions. Rows of many partitions with little each are set
/// aside on disk instead, in the order of their partitions, and encoded by Finish. Single-threaded; several writers of
/// one table share only the store and the budget. Files are invisible until a commit names them.
class DataFileWriter {
 public:
  /// `metadata` gives schema, spec, sort order, location and write.* properties; it must outlive the writer.
  DataFileWriter(io::ObjectStore& store, std::shared_ptr<const table::TableMetadata> metadata,
                 DataFileWriterOptions options, ByteBudget& budget);
  ~DataFileWriter();
  DataFileWriter(const DataFileWriter&) = delete;
  DataFileWriter& operator=(const DataFileWriter&) = delete;

  /// Rows whose columns match the current schema by name; missing optional columns become null. Error kData when a
  /// required column is null or a partition value cannot be computed. `numbers`: one a row, with on_closed.
  void Write(const std::shared_ptr<arrow::RecordBatch>& rows, std::span<const uint32_t> numbers = {});

  /// Encodes the largest buffers while the budget is under pressure. For whoever has nothing to Write meanwhile.
  void Relieve();

  /// Encodes what fills a fair part of a row group. For whoever will not Write for a while.
  void Rest();

  int64_t buffered_bytes() const;
  int64_t rows() const;
  /// Encoded so far, in closed files and open ones, and what rows on disk will be, roughly.
  int64_t encoded_bytes() const;
  int open_files() const;

  /// Closes every file. After it the writer is done. A writer that is dropped unfinished leaves the files it has closed
  /// already: `closed_keys` names them.
  std::vector<table::DataFile> Finish() &&;
  const std::vector<std::string>& closed_keys() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::land
