#pragma once

#include <memory>
#include <string>

#include "app/config_model.h"
#include "app/lake.h"
#include "config/block.h"
#include "io/object_store.h"
#include "land/files_plan.h"

namespace millrace::app {

/// The options of `tables.<table>.files`.
const config::Block<FilesConfig>& FilesBlock();

/// Whether the files are of columns, and not of records as they came.
bool HasColumns(const FilesConfig& files);

/// What shapes the files of a table.
land::FilesEncoding FilesEncodingOf(const TableConfig& table);

/// Where the files of a table lie, and as whose their plans are kept there.
struct FilesPlace {
  std::shared_ptr<io::ObjectStore> store;
  std::string prefix;
  std::string owner;
};
/// The table's folder of the warehouse, whose store the lake keeps open, or the `location` of its own. To write, a
/// bucket is asked whether it keeps the condition that exactly once rests on.
enum class FilesUse { kRead, kWrite };
FilesPlace FilesPlaceOf(const PipelineConfig& pipeline, const std::string& table, Lake& lake, FilesUse use);
/// The folder of all files, as readers name it, without a slash at its end.
std::string UriOf(const FilesPlace& place);

}  // namespace millrace::app
