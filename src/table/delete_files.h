#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "table/data_file.h"
#include "table/metadata.h"
#include "table/partition_key.h"

namespace millrace::table {

/// A file with the data sequence number by which deletes reach it, or by which it reaches data files.
struct DatedFile {
  DataFile file = {};
  SequenceNumber sequence = {};
};

/// The columns of a position delete file (Iceberg spec, "Reserved Field IDs"): frozen.
inline constexpr schema::FieldId kDeletedPathField{2147483546};
inline constexpr schema::FieldId kDeletedPositionField{2147483545};

/// The one data file that a position delete file or deletion vector is of: what it states, or what its bounds say;
/// nullopt when it may be of several.
std::optional<std::string_view> DataFileOf(const DataFile& deletes);

/// What tells a file from the others of its snapshot: its path; of a deletion vector also where it lies, because one
/// Puffin file holds several.
std::string NameOf(const DataFile& file);

/// The delete files of a snapshot, and which of them apply to a data file (Iceberg spec, "Scan Planning"): position
/// deletes of its partition that are not older than it; equality deletes of its partition, or of an unpartitioned spec,
/// that are newer. A delete file whose bounds leave out the path is no candidate.
class DeleteFiles {
 public:
  /// `metadata` outlives it.
  explicit DeleteFiles(const TableMetadata& metadata) : metadata_(metadata) {}

  void Add(DatedFile deletes);
  bool empty() const { return files_.empty(); }
  const std::deque<DatedFile>& files() const { return files_; }
  /// In the order they were added.
  std::vector<const DatedFile*> For(const DataFile& data, SequenceNumber sequence) const;

 private:
  struct OfPartition {
    std::vector<size_t> positions;                                    // of several data files
    std::map<std::string, std::vector<size_t>, std::less<>> by_path;  // of one each
    std::vector<size_t> equalities;
  };

  const TableMetadata& metadata_;
  std::deque<DatedFile> files_;
  std::map<PartitionKey, OfPartition> partitions_;
  std::vector<size_t> global_;  // equality deletes of an unpartitioned spec
};

}  // namespace millrace::table
