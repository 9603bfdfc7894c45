#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/byte_budget.h"
#include "io/object_store.h"
#include "refine/maintenance/compaction_plan.h"
#include "table/data_file.h"
#include "table/metadata.h"

namespace millrace::refine {

struct RewriteOptions {
  std::string file_name;  // unique, without folder and ending
  int zstd_level = 1;
  int64_t row_group_bytes = int64_t{64} << 20;
};

/// Writes the rows of a group as one new file in the table's sort order, and measures it. Rows are sorted together as
/// far as a quarter of the budget holds them; beyond that the file is sorted in stretches. Under pressure the stretch
/// is written as it is, so that landing never waits for memory held here. Error kUnavailable when stopped. What fails
/// leaves no file.
table::DataFile RewriteGroup(io::ObjectStore& store, const table::TableMetadata& metadata, const CompactionGroup& group,
                             const RewriteOptions& options, ByteBudget& budget, const std::stop_token& stop);

}  // namespace millrace::refine
