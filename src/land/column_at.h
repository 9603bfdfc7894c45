#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string_view>

namespace millrace::land {

/// A column at any depth of structs; nulls of the structs above count as nulls. Null when there is none.
std::shared_ptr<arrow::Array> FindColumn(const arrow::RecordBatch& rows, std::string_view dotted_path);
/// The same. Error kStop when there is none.
std::shared_ptr<arrow::Array> ColumnAt(const arrow::RecordBatch& rows, std::string_view dotted_path);

}  // namespace millrace::land
