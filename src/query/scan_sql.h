#pragma once

#include <string>

#include "query/data_files.h"
#include "query/file_layout.h"
#include "query/scan_plan.h"

namespace millrace::query {

/// The SELECT that reads a plan's files as rows of `schema`: by field id, each column under the name and type it has
/// there. Columns a file lacks are null. Error kStop for a file outside of the
/// warehouse. The files must have been brought.
std::string ScanSql(const DataFiles& files, const ScanRequest& request, const ScanPlan& plan, FileLayouts& layouts);

}  // namespace millrace::query
