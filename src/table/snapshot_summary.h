#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "table/data_file.h"
#include "table/metadata.h"

namespace millrace::table {

/// What a commit adds and removes, counted for its snapshot's summary under Java's names (SnapshotSummary).
class SummaryCounts {
 public:
  void Added(const DataFile& file) { Count(added_, file); }
  void Removed(const DataFile& file) { Count(removed_, file); }
  void Merge(const SummaryCounts& other);

  /// Adds the counts that are not zero, and the totals: the parent's plus the difference. A total that the parent
  /// lacks, or that would be negative, is left out, because it is not known. `parent` null: the first snapshot.
  void WriteTo(Summary& summary, const Summary* parent) const;

 private:
  struct Side {
    int64_t data_files = 0;
    int64_t records = 0;
    int64_t size_bytes = 0;
    int64_t position_delete_files = 0;
    int64_t deletion_vectors = 0;
    int64_t position_deletes = 0;
    int64_t equality_delete_files = 0;
    int64_t equality_deletes = 0;
    int64_t delete_files() const { return position_delete_files + deletion_vectors + equality_delete_files; }
  };
  void Count(Side& side, const DataFile& file);

  Side added_;
  Side removed_;
  std::set<std::string> partitions_;  // the changed ones, each as a key that only it has
};

}  // namespace millrace::table
