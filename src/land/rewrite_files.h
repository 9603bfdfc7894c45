#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/byte_budget.h"
#include "io/object_store.h"
#include "land/deleted_rows.h"
#include "table/data_file.h"
#include "table/metadata.h"
#include "table/partition.h"

namespace millrace::land {

/// Data files of one partition that become one.
struct FileGroup {
  int32_t spec_id = 0;
  table::PartitionTuple partition;
  std::vector<table::DatedFile> files;
};

struct RewriteOptions {
  std::string file_name;  // unique, without folder and ending
  int zstd_level = 1;
  int64_t row_group_bytes = int64_t{64} << 20;
  /// Called with the rows of the new file in its order, and with the number of each among all rows of the group, file
  /// after file, deleted ones counted. Without it rows carry no numbers through the sort.
  std::function<void(const arrow::RecordBatch& rows, const arrow::Int64Array& numbers)> visit = {};
};

/// Writes the rows of a group that `deleted` does not name as one new file in the table's sort order, and measures it;
/// nullopt when none is left. Rows are sorted together as far as a quarter of the budget holds them; beyond that the
/// file is sorted in stretches. Under pressure the stretch is written as it is, so that landing never waits for memory
/// held here. In a table of format v3 each row keeps its id and the number of the commit that last changed it, as two
/// columns of the new file. Error kUnavailable when stopped. What fails leaves no file.
std::optional<table::DataFile> RewriteFiles(io::ObjectStore& store, const table::TableMetadata& metadata,
                                            const FileGroup& group, const DeletedRows& deleted,
                                            const RewriteOptions& options, ByteBudget& budget,
                                            const std::stop_token& stop);

}  // namespace millrace::land
