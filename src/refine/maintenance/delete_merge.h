#pragma once

#include <cstdint>

#include "refine/maintenance/compaction.h"

namespace millrace::refine {

struct DeleteMergeReport {
  int64_t files_removed = 0;
  int64_t files_added = 0;
};

/// Makes few position delete files of many, one a data file, and removes delete files that apply to nothing any more:
/// what they named was rewritten. A partition that still receives rows is left alone until it has `small_files_max`
/// delete files more than data files with deletes. No row changes. `dry_run`: only counts what would go.
DeleteMergeReport MergeDeletes(const MaintenanceParts& parts, const catalog::LoadedTable& table,
                               const CompactionRules& rules, bool dry_run);

}  // namespace millrace::refine
