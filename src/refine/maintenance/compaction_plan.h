#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/object_store.h"
#include "land/rewrite_files.h"
#include "table/delete_files.h"
#include "table/metadata.h"
#include "table/partition_key.h"

namespace millrace::refine {

struct CompactionRules {
  int64_t file_size_bytes = int64_t{256} << 20;
  /// Files below this are small; 0: three quarters of file_size_bytes.
  int64_t small_file_bytes = 0;
  /// A partition that still receives rows is left alone until it has this many small files.
  int64_t small_files_max = 16;
  /// A partition that received nothing for this long is made whole from two small files on.
  std::chrono::milliseconds cold_after = std::chrono::minutes(10);

  /// A file of which this share of rows is deleted is rewritten without them, whatever its size.
  double delete_ratio = 0.2;

  int64_t small_bytes() const { return small_file_bytes > 0 ? small_file_bytes : file_size_bytes / 4 * 3; }
};

/// Files of one partition that become one file, oldest first.
struct CompactionGroup : land::FileGroup {
  bool cold = false;
  int64_t bytes = 0;
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
  table::SequenceNumber sequence;       // of the snapshot that was planned on
  std::unique_ptr<table::DeleteFiles> deletes;
  std::map<std::string, int64_t> uses;  // delete file, by NameOf -> data files that it applies to
  std::set<std::string> vectors;        // those of them that are deletion vectors
  std::map<std::string, std::string> manifest_of_file;
  std::set<std::string> manifests;
};

/// When each snapshot that brought rows was made, in milliseconds since 1970: those that only store rows otherwise are
/// left out.
std::map<table::SnapshotId, int64_t> ReceivedAt(const table::TableMetadata& metadata);

/// Reads every manifest of the current snapshot once; keeps the small files, those that deletes apply to, and the
/// delete files. `metadata` outlives the plan.
CompactionPlan PlanCompaction(io::ObjectStore& store, const table::TableMetadata& metadata,
                              const CompactionRules& rules, Timestamp now);

/// Files, small files and deletes of a table as it stands.
TableShape MeasureShape(io::ObjectStore& store, const table::TableMetadata& metadata, const CompactionRules& rules);

/// What a newer base says of files that were planned to go.
struct Recheck {
  bool all_there = true;
  /// Deletion vectors that are not there any more, although their data files are: a later one, among late_deletes, is
  /// there instead and names their rows too.
  std::set<std::string> replaced_vectors = {};
  /// Position deletes that came since and may be of these files. Equality deletes may have come too, and need no look:
  /// the rewritten rows keep their age.
  std::vector<table::DataFile> late_deletes;
};

/// Looks for files of the plan, data and delete files, by what is new in the manifests of `base`.
Recheck CheckAgain(io::ObjectStore& store, const table::TableMetadata& base, const CompactionPlan& plan,
                   const std::set<std::string>& paths, const std::set<table::PartitionKey>& partitions);

}  // namespace millrace::refine
