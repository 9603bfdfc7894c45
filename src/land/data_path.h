#pragma once

#include <cstdint>
#include <string>

#include "io/object_store.h"
#include "table/metadata.h"
#include "table/partition.h"

namespace millrace::land {

/// Below which keys a table's files lie, with a '/' at the end. Error kStop when the table is outside of the store.
std::string DataPrefix(const io::ObjectStore& store, const table::TableMetadata& metadata);

/// The key of a file of one partition; `name` is unique and has its ending.
std::string DataKey(const io::ObjectStore& store, const table::TableMetadata& metadata, int32_t spec_id,
                    const table::PartitionTuple& partition, const std::string& name);

}  // namespace millrace::land
