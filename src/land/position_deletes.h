#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "table/data_file.h"
#include "table/metadata.h"
#include "table/partition_key.h"

namespace millrace::land {

/// Rows of data files that a commit takes away, gathered, and written as the table's format has them. Format v2:
/// position delete files (Iceberg spec, "Position Delete Files"): Parquet, sorted by path and position, whole bounds,
/// `referenced_data_file` where it is one; a delete file lies in the partition of the data files it names. Format v3:
/// deletion vectors, one a data file, all in one Puffin file.
class PositionDeletes {
 public:
  /// How many data files one delete file is about. Few files a commit against few to open for one data file.
  enum class Granularity { kPartition, kDataFile };

  /// `of` gives path, spec and partition. A row that is added twice is deleted once.
  void Add(const table::DataFile& of, int64_t position);
  bool empty() const { return partitions_.empty(); }

  /// Adds what other deletes by position of `metadata`'s current snapshot name in the same data files: a must in format
  /// v3, and what keeps delete files few in v2. Returns the names (table::NameOf) of those that are of one of these
  /// data files alone, and have no use beside what is written now.
  std::set<std::string> AddFormer(io::ObjectStore& store, const table::TableMetadata& metadata);

  /// Makes the files; their names start with `name`, unique to the call. What fails leaves none. A data file has one
  /// vector at most: in format v3 what its former deletes name must have been added too (AddFormer).
  std::vector<table::DataFile> Write(io::ObjectStore& store, const table::TableMetadata& metadata,
                                     const std::string& name, Granularity granularity);

 private:
  std::vector<table::DataFile> WriteVectors(io::ObjectStore& store, const table::TableMetadata& metadata,
                                            const std::string& name);

  using OfPartition = std::map<std::string, std::vector<int64_t>>;
  std::map<table::PartitionKey, OfPartition> partitions_;
};

}  // namespace millrace::land
