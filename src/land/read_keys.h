#pragma once

#include <functional>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "land/key_hash.h"
#include "table/data_file.h"
#include "table/metadata.h"

namespace millrace::land {

/// The ids of a table's key columns. Error kConfig when one is not in the table.
std::vector<schema::FieldId> KeyFields(const table::TableMetadata& metadata, const std::vector<std::string>& key_paths);

/// The keys of the rows of a data file, in their order; rows without one are passed over. A file of deletes has none.
void ReadKeys(io::ObjectStore& store, const table::TableMetadata& metadata, const table::DataFile& file,
              const std::vector<std::string>& key_paths, const std::function<void(const KeyHash&)>& visit);

}  // namespace millrace::land
