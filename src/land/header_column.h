#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace millrace::land {

/// Headers of a record as a column: a list of {key: string, value: binary} in their order, names that come again
/// included; a value may be null. Null where the record has none. Bytes of a name that is no UTF-8 become U+FFFD.
std::shared_ptr<arrow::DataType> HeadersType();

/// A name as text: bytes that are no UTF-8 become U+FFFD.
std::string HeaderName(std::string_view name);

/// `builder` is of HeadersType; `block` is EventBatch::header_block.
void AppendHeaders(std::string_view block, arrow::ListBuilder& builder);

/// Back to a block.
std::string HeaderBlockAt(const arrow::ListArray& column, int64_t row);

}  // namespace millrace::land
