#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/byte_budget.h"
#include "io/object_store.h"
#include "land/file_metrics.h"
#include "land/parquet_file.h"
#include "table/delete_files.h"
#include "table/metadata.h"

namespace millrace::land {

struct JoinOptions {
  std::string key;  // of the new object
  int zstd_level = 1;
  int64_t row_group_bytes = int64_t{64} << 20;
};

/// Writes all rows of `files`, one file after the other, as one file without decoding them: pages go over as bytes, and
/// only columns that need a dictionary have their values written anew. Nothing comes of files that this cannot be done
/// with, and nothing is written then: those of other programs, of other columns than the table has now, or with too few
/// rows for good encodings. Errors as of DataFileRows; kUnavailable when stopped. What fails leaves no file.
std::optional<WrittenParquet> JoinFiles(io::ObjectStore& store, const table::TableMetadata& metadata,
                                        const std::vector<table::DatedFile>& files, const JoinOptions& options,
                                        ByteBudget& budget, const std::stop_token& stop);

}  // namespace millrace::land
