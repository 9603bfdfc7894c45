#pragma once

#include <arrow/type_fwd.h>

#include <memory>

namespace millrace::land {

/// `rows` with exactly the columns and types of `schema` (ToArrow's form of a table's): columns match by name at every
/// level, absent optional ones become null, promotions of Iceberg are made, columns the table does not have are an
/// Error kInternal (they should have been added to it). No copy where the types agree. Error kData when a required
/// column is absent or has a null.
std::shared_ptr<arrow::RecordBatch> Conform(const std::shared_ptr<arrow::RecordBatch>& rows,
                                            const std::shared_ptr<arrow::Schema>& schema);

}  // namespace millrace::land
