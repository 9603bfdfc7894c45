#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/object_store.h"
#include "table/delete_files.h"
#include "table/metadata.h"

namespace millrace::land {

/// Which rows of some data files are gone, as positions: those that position deletes name, and those whose values an
/// equality delete names, which are looked up in the data files once. Memory: 8 bytes a deleted row, 32 a key that is
/// deleted by equality.
class DeletedRows {
 public:
  DeletedRows() = default;
  /// Reads every delete file of `deletes` that applies to one of `files`, data files of one partition. Error kData
  /// naming the file that cannot be read, or is no Parquet.
  DeletedRows(io::ObjectStore& store, const table::TableMetadata& metadata, const table::DeleteFiles& deletes,
              const std::vector<table::DatedFile>& files);

  /// One more row that goes. Not sorted until Settle.
  void Add(const std::string& file_path, int64_t position) { positions_[file_path].push_back(position); }
  /// Sorts what was added, and forgets doubles.
  void Settle();

  /// Deleted positions of a data file, rising, each once.
  const std::vector<int64_t>& Of(std::string_view file_path) const;
  bool empty() const { return positions_.empty(); }
  int64_t rows() const;
  int64_t bytes() const { return rows() * static_cast<int64_t>(sizeof(int64_t)); }

 private:
  std::map<std::string, std::vector<int64_t>, std::less<>> positions_;
};

/// Every row that a position delete file or deletion vector names, in its order: the data file's path and the position
/// there. Error kData naming the file.
void ForEachDeletedPosition(io::ObjectStore& store, const table::DataFile& deletes,
                            const std::function<void(std::string_view path, int64_t position)>& visit);

}  // namespace millrace::land
