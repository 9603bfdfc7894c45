#pragma once

#include <cstdint>

#include "refine/maintenance/delete_merge.h"

namespace millrace::refine {

/// Makes deletes by position of equality deletes: their keys are looked up in the data files that they reach, and what
/// is found is named there, one delete file or vector a data file, together with what was deleted in it before. Readers
/// then have a few places to leave out instead of many keys to compare, and it costs reading the key's columns instead
/// of writing all rows again. Waits until a table has `small_files_max` equality delete files, or the newest is older
/// than `cold_after`. Oldest first, a commit for some million keys. No row changes. `dry_run`: only counts what would
/// go.
DeleteMergeReport LocateDeletes(const MaintenanceParts& parts, const catalog::LoadedTable& table,
                                const CompactionRules& rules, bool dry_run);

}  // namespace millrace::refine
