#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "query/engine.h"
#include "query/predicate.h"
#include "table/delete_files.h"
#include "table/metadata.h"

namespace millrace::query {

/// What of a table is read.
struct ScanRequest {
  const table::TableMetadata* metadata = nullptr;
  const table::Snapshot* snapshot = nullptr;  // null: the table is empty
  const schema::Schema* schema = nullptr;     // the columns it is read with
  /// Only rows that snapshots after `range->after` added; see QueryOptions::Range.
  std::optional<QueryOptions::Range> range;
  const std::set<std::string>* only_files = nullptr;  // by file_path; null: all of them
  const QueryOptions::Change* change = nullptr;       // null: as the snapshot is
  bool with_path = false;                             // kPathColumn comes after the columns of the schema
  Predicate predicate;
  /// Looks into every manifest, to count what there is; of a whole snapshot only.
  bool count_files = false;
};

struct ScanPlan {
  std::vector<table::DataFile> files;             // without deletes
  std::vector<table::DatedFile> deleted_files;    // some of whose rows the deletes below take away
  std::vector<table::DataFile> position_deletes;  // Parquet files of paths and positions
  std::vector<table::DataFile> deletion_vectors;  // of one data file each
  std::vector<table::DatedFile> equality_deletes;
  int64_t files_total = 0;
  std::optional<PruningReport> pruning;  // where files were to be counted; without its columns

  /// Every file there is to read.
  std::vector<const table::DataFile*> All() const;
};

/// The data files a statement has to read, and the delete files that apply to them. Prunes manifests, then files, by
/// `predicate`. Error kData for formats other than Parquet, and for a range over snapshots that did more than append.
ScanPlan PlanScan(io::ObjectStore& store, const ScanRequest& request);

}  // namespace millrace::query
