#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "refine/maintenance/compaction_plan.h"

namespace millrace::refine {

/// What steps of maintenance work with. Outlives them.
struct MaintenanceParts {
  catalog::Catalog& catalog;
  ByteBudget& budget;
  const Clock& clock;
  std::filesystem::path scratch_folder;  // on local disk
  std::stop_token stop;
};

struct CompactionReport {
  TableShape before;
  int64_t files_removed = 0;
  int64_t files_added = 0;
  int64_t bytes_rewritten = 0;  // read, as Parquet
  int64_t rows = 0;
  int64_t rows_dropped = 0;  // deleted rows, which the new files leave out
  int64_t delete_files_removed = 0;
  int64_t delete_files_added = 0;  // rows were deleted while their files were rewritten
  int64_t commits = 0;
  int64_t groups_dropped = 0;  // another writer changed what they were made of
};

/// Merges the small files of a table, and rewrites those of which many rows are deleted, group by group, with a commit
/// for every few hundred megabytes, so that little is lost when another writer is in the way. Deletes are applied, and
/// delete files that apply to nothing else go with the data files. Rows that are deleted meanwhile are deleted in the
/// new files by the same commit. `dry_run`: only says what would be done.
CompactionReport Compact(const MaintenanceParts& parts, const catalog::LoadedTable& table, const CompactionRules& rules,
                         bool dry_run);

/// Merges manifests below the target size when there are more than `manifests_max` of them. Returns how many there are
/// fewer.
int64_t MergeManifestsOf(const MaintenanceParts& parts, const catalog::LoadedTable& table, int64_t manifests_max);

}  // namespace millrace::refine
