#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/sql/sqlite.h"

namespace millrace::catalog {

/// A row of MetadataRows. An id alone may come again after its row went.
struct MetadataRow {
  int64_t id = 0;
  std::string location;
};

/// A table of our own beside those of the SQL catalogue: metadata files that are written and may not be durable yet,
/// with their bytes, so that one commit of the database makes many of them safe. Frozen:
///
///   millrace_metadata_files(id INTEGER PRIMARY KEY, location TEXT NOT NULL, bytes BLOB NOT NULL)
///
/// `bytes` is the file as it is, or one zstd frame of it (a JSON text begins with no such thing). The table is made by
/// the first row. One thread at a time; changes belong to the transaction they are made in.
class MetadataRows {
 public:
  explicit MetadataRows(SqliteFile& file) : file_(file) {}

  /// Returns the row's id.
  int64_t Insert(const std::string& location, std::string_view bytes);
  /// Nothing happens for one that is not there.
  void Remove(const MetadataRow& row);
  std::vector<MetadataRow> All();
  /// Empty when it is not there.
  std::string Bytes(const MetadataRow& row);

 private:
  bool IsThere();

  SqliteFile& file_;
};

/// `text` as MetadataRows keeps it, and back. Error kStop for bytes that are damaged.
std::string PackMetadata(std::string_view text);
std::string UnpackMetadata(const std::string& bytes, const std::string& location);

}  // namespace millrace::catalog
