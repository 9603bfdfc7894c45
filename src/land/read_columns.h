#pragma once

#include <arrow/type_fwd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "schema/schema.h"

namespace millrace::land {

/// Reads some bottom columns of a Parquet data file, found by field id (by name in a file that has no ids), batch by
/// batch in the order of rows. Each array stands for the id at its place; nulls of structs above count; a column that
/// the file lacks is all null. Error kData naming the file when it cannot be read, kUnavailable when it is gone.
void ReadColumns(io::ObjectStore& store, const std::string& file_path, const schema::Schema& schema,
                 const std::vector<schema::FieldId>& ids, const std::function<void(const arrow::ArrayVector&)>& visit);

}  // namespace millrace::land
