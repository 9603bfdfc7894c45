#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/object_store.h"
#include "table/data_file.h"
#include "table/metadata.h"
#include "table/partition.h"

namespace millrace::refine {

struct CompactionRules {
  int64_t file_size_bytes = int64_t{256} << 20;
  /// Files below this are small; 0: three quarters of file_size_bytes.
  int64_t small_file_bytes = 0;
  /// A partition that still receives rows is left alone until it has this many small files.
  int64_t small_files_max = 16;
  /// A partition that received nothing for this long is made whole from two small files on.
  std::chrono::milliseconds cold_after = std::chrono::minutes(10);

  int64_t small_bytes() const { return small_file_bytes > 0 ? small_file_bytes : file_size_bytes / 4 * 3; }
};

/// Small files of one partition that become one file.
struct CompactionGroup {
  int32_t spec_id = 0;
  table::PartitionTuple partition;
  bool cold = false;
  int64_t bytes = 0;
  std::vector<table::DataFile> files;  // oldest first
};

/// What a table looks like to somebody who wonders whether it needs maintenance.
struct TableShape {
  int64_t files = 0;
  int64_t small_files = 0;
  int64_t bytes = 0;
  int64_t rows = 0;
  int64_t partitions = 0;
  int64_t delete_files = 0;
  int64_t deleted_rows = 0;  // position deletes; what equality deletes match is not known without reading
  int64_t manifests = 0;
  int64_t snapshots = 0;

  double delete_ratio() const {
    return rows == 0 ? 0.0 : static_cast<double>(deleted_rows) / static_cast<double>(rows);
  }
};

struct CompactionPlan {
  TableShape shape;
  std::vector<CompactionGroup> groups;  // cold ones first, then by how many files they save
  int64_t files_with_deletes = 0;       // small files left alone: rows of them are deleted by other files
  table::SequenceNumber sequence;       // of the snapshot that was planned on
  std::map<std::string, std::string> manifest_of_file;
  std::set<std::string> manifests;
};

/// Reads every manifest of the current snapshot once; keeps the small files.
CompactionPlan PlanCompaction(io::ObjectStore& store, const table::TableMetadata& metadata,
                              const CompactionRules& rules, Timestamp now);

/// Files, small files and deletes of a table as it stands.
TableShape MeasureShape(io::ObjectStore& store, const table::TableMetadata& metadata, const CompactionRules& rules);

/// Whether what was planned may be put in the place of `files` on a newer base: each is still there, and no position
/// delete of the partition has come since. Equality deletes may have come: the rewritten rows keep their age.
bool StillStands(io::ObjectStore& store, const table::TableMetadata& base, const CompactionPlan& plan,
                 const std::vector<CompactionGroup>& groups);

}  // namespace millrace::refine
