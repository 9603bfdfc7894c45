#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "table/data_file.h"
#include "table/metadata.h"
#include "table/partition_key.h"

namespace millrace::land {

/// Rows of data files that a commit takes away, gathered, and written as position delete files (Iceberg spec,
/// "Position Delete Files"): Parquet, sorted by path and position, whole bounds, `referenced_data_file` where it is
/// one. A delete file lies in the partition of the data files it names.
class PositionDeletes {
 public:
  /// How many data files one delete file is about. Few files a commit against few to open for one data file.
  enum class Granularity { kPartition, kDataFile };

  /// `of` gives path, spec and partition. A row that is added twice is deleted once.
  void Add(const table::DataFile& of, int64_t position);
  bool empty() const { return partitions_.empty(); }

  /// Makes the files; their names start with `name`, unique to the call. What fails leaves none.
  std::vector<table::DataFile> Write(io::ObjectStore& store, const table::TableMetadata& metadata,
                                     const std::string& name, Granularity granularity);

 private:
  using OfPartition = std::map<std::string, std::vector<int64_t>>;
  std::map<table::PartitionKey, OfPartition> partitions_;
};

}  // namespace millrace::land
