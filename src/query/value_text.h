#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::query {

/// Appends one value as JSON.
void AppendJson(std::string& out, const arrow::Array& column, int64_t row);
/// Appends `text` as a JSON string.
void AppendJsonString(std::string& out, std::string_view text);

/// Appends one value, not null, as plain text: strings as they are, lists, structs and maps as JSON.
void AppendText(std::string& out, const arrow::Array& column, int64_t row);

}  // namespace millrace::query
