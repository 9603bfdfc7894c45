#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "table/data_file.h"
#include "table/metadata.h"

namespace millrace::land {

/// The values of the keys that a chunk changes, each once, for deletes by value (Iceberg spec, "Equality Delete
/// Files"). About the bytes of the key's columns. Single-threaded.
class KeyValues {
 public:
  /// `key`: columns at the top of the table.
  explicit KeyValues(std::vector<std::string> key) : key_(std::move(key)) {}

  /// Error kConfig unless rows of the table can be told apart by these columns in a delete by value.
  void Check(const table::TableMetadata& metadata) const;

  /// Rows of a batch, by their place in it, whose keys were not there yet.
  void Add(const std::shared_ptr<arrow::RecordBatch>& batch, const std::vector<int64_t>& rows);
  bool empty() const { return keys_.empty(); }
  int64_t bytes() const { return bytes_; }
  void Clear();

  /// One equality delete file. It reaches every row of these keys that is older than the commit, in whatever partition
  /// it lies, because it is of the spec without fields: Error kStop when the table has none. What fails leaves nothing.
  table::DataFile Write(io::ObjectStore& store, const table::TableMetadata& metadata, const std::string& name) const;

 private:
  const std::vector<std::string> key_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> keys_;
  int64_t bytes_ = 0;
};

}  // namespace millrace::land
