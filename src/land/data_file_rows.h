#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>

#include "io/object_store.h"

namespace millrace::land {

/// The rows of one Parquet data file in the columns that a table has now, batch by batch: columns are found by field id
/// at every level, absent ones are null, dropped ones are left out, promotions are made. One thread.
class DataFileRows {
 public:
  /// `columns` is ToArrow's form of the table's schema, or WithDictionaries of it. Error kData when the file has no
  /// field ids or cannot be read, kStop when it lies outside the store, kUnavailable when it is gone; each names the
  /// file.
  DataFileRows(io::ObjectStore& store, const std::string& file_path, std::shared_ptr<arrow::Schema> columns);
  ~DataFileRows();
  DataFileRows(const DataFileRows&) = delete;
  DataFileRows& operator=(const DataFileRows&) = delete;

  /// Null at the end.
  std::shared_ptr<arrow::RecordBatch> Next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// `columns`, ToArrow's form of a table's schema, with a dictionary in place of each column of text or bytes that the
/// data file holds as dictionary and indices throughout: it goes from file to file without being spelt out. Not of
/// those within others. Errors as of DataFileRows.
std::shared_ptr<arrow::Schema> WithDictionaries(io::ObjectStore& store, const std::string& file_path,
                                                const std::shared_ptr<arrow::Schema>& columns);

}  // namespace millrace::land
