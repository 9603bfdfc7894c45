#pragma once

#include <cstdint>
#include <stop_token>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "refine/maintenance/compaction_plan.h"

namespace millrace::refine {

struct CompactionReport {
  TableShape before;
  int64_t files_removed = 0;
  int64_t files_added = 0;
  int64_t bytes_rewritten = 0;  // read, as Parquet
  int64_t rows = 0;
  int64_t commits = 0;
  int64_t groups_dropped = 0;  // another writer changed what they were made of
  int64_t files_with_deletes = 0;
};

/// Merges the small files of a table, group by group, with a commit for every few hundred megabytes, so that little is
/// lost when another writer is in the way. `dry_run`: only says what would be done.
CompactionReport Compact(catalog::Catalog& catalog, const catalog::LoadedTable& table, const CompactionRules& rules,
                         bool dry_run, ByteBudget& budget, const Clock& clock, const std::stop_token& stop);

/// Merges manifests below the target size when there are more than `manifests_max` of them. Returns how many there are
/// fewer.
int64_t MergeManifestsOf(catalog::Catalog& catalog, const catalog::LoadedTable& table, int64_t manifests_max,
                         const Clock& clock, const std::stop_token& stop);

}  // namespace millrace::refine
