#pragma once

#include <string>

#include "query/data_files.h"
#include "query/file_layout.h"
#include "query/scan_plan.h"

namespace millrace::query {

/// The SELECT that reads a plan's files as rows of `schema`: by field id, each column under the name and type it has
/// there. Columns a file lacks are null; deleted rows are left out. Error kStop for a file outside of the warehouse,
/// kData for deletes by a member of a struct. The files must have been brought. `vectors`: the table that holds the
/// deletion vectors' paths and positions, quoted; empty: there are none.
std::string ScanSql(const DataFiles& files, const ScanRequest& request, const ScanPlan& plan, FileLayouts& layouts,
                    const std::string& vectors);

}  // namespace millrace::query
