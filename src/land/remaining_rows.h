#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "land/data_file_rows.h"
#include "land/deleted_rows.h"
#include "table/delete_files.h"
#include "table/metadata.h"

namespace millrace::land {

/// The data files of a table's current snapshot, and the delete files that apply to them.
class SnapshotFiles {
 public:
  SnapshotFiles(io::ObjectStore& store, std::shared_ptr<const table::TableMetadata> metadata);

  const std::vector<table::DatedFile>& data() const { return data_; }
  std::set<std::string> paths() const;
  std::set<std::string> delete_paths() const;
  /// Positions in it that are gone.
  DeletedRows DeletedOf(const table::DatedFile& file) const;

 private:
  io::ObjectStore& store_;
  const std::shared_ptr<const table::TableMetadata> metadata_;
  std::vector<table::DatedFile> data_;
  table::DeleteFiles deletes_;
};

/// DataFileRows without the rows that are deleted, by whatever engine. One thread.
class RemainingRows {
 public:
  /// Errors as of DataFileRows.
  RemainingRows(io::ObjectStore& store, const SnapshotFiles& files, const table::DatedFile& file,
                std::shared_ptr<arrow::Schema> columns);

  /// Null at the end; a batch may be empty.
  std::shared_ptr<arrow::RecordBatch> Next();

 private:
  const std::string path_;
  const DeletedRows deleted_;
  DataFileRows rows_;
  int64_t position_ = 0;
};

}  // namespace millrace::land
