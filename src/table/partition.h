#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "table/metadata.h"
#include "table/value.h"

/// Partition specs and sort orders as people write them, and the partitions that rows fall into.
namespace millrace::table {

/// One value a field of the spec, in its order; absent: null.
using PartitionTuple = std::vector<std::optional<Value>>;

/// From "day(ts)", "bucket(16, id)", "truncate(4, name)", "year(d)", "identity(x)" or "x"; fields are named as Java
/// names them (ts_day, id_bucket, name_trunc, d_year, x) and numbered from 1000. The schema must have its ids. Error
/// kConfig that says what was allowed for an unknown column or transform, a type that does not fit, a column inside a
/// list or map, or a name that is taken.
PartitionSpec ParsePartitionSpec(const std::vector<std::string>& expressions, const schema::Schema& schema);

/// From "id", "id desc", "day(ts) asc nulls last"; ascending with nulls first unless said, descending with nulls last.
/// No expression gives the unsorted order, id 0; otherwise id 1.
SortOrder ParseSortOrder(const std::vector<std::string>& expressions, const schema::Schema& schema);

/// "event_type=PushEvent/ts_day=2021-07-21", names and values escaped as Java does (application/x-www-form-urlencoded);
/// empty for an unpartitioned spec. Fields whose source was dropped are left out.
std::string PartitionPath(const PartitionSpec& spec, const schema::Schema& schema, const PartitionTuple& tuple);

/// Which partition each row of a batch is in. Groups are numbered in the order of their first row.
struct PartitionedRows {
  std::vector<uint32_t> group_of_row;
  std::vector<PartitionTuple> partitions;  // by group
};

/// Columns are found in the batch by the names that the schema gives; nested ones through their structs. An
/// unpartitioned spec gives one group with an empty tuple. Error kInternal when the batch lacks a column.
PartitionedRows PartitionRows(const PartitionSpec& spec, const schema::Schema& schema, const arrow::RecordBatch& batch);

}  // namespace millrace::table
