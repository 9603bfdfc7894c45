#pragma once

#include "table/metadata.h"
#include "table/table_change.h"

namespace millrace::table {

/// Makes `wanted` the spec that new files are written under; old specs stay for the files they have. Its spec and field
/// ids are given here: a field that any spec of the table had (same source, transform and name) keeps its id, and a
/// spec with the same fields is used again. Error kUsage when two fields share a name.
TableChange ChangePartitionSpec(const TableMetadata& base, PartitionSpec wanted);

/// Adds the spec without fields, by which equality deletes reach all partitions, beside those that the table has; the
/// default stays. Empty when it is there.
TableChange AddUnpartitionedSpec(const TableMetadata& base);
/// That spec; null when the table has none.
const PartitionSpec* UnpartitionedSpec(const TableMetadata& metadata);

/// Makes `wanted` the order of new files; its id is given here, 0 for no fields.
TableChange ChangeSortOrder(const TableMetadata& base, SortOrder wanted);

}  // namespace millrace::table
