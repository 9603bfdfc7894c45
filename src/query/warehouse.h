#pragma once

#include <string>

#include "io/object_store.h"

namespace millrace::query {

/// The folder below which all files of the lake lie, and which is all that DuckDB may open. Error kConfig for a
/// warehouse that is not on a local disk.
std::string WarehouseFolder(const io::ObjectStore& store);

/// The path of a file of the lake. Error kStop for one outside of the warehouse.
std::string LocalPath(const io::ObjectStore& store, const std::string& uri);

}  // namespace millrace::query
