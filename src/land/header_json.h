#pragma once

#include <string>
#include <string_view>

namespace millrace::land {

/// What headers are called beside a record's own members.
constexpr std::string_view kHeadersName = "_headers";

/// Headers of a record as JSON, in their order: [{"key":"trace","value":"abc"}]. A value that is no UTF-8 is
/// "value_base64", none is null; null for a record without headers. `block` is EventBatch::header_block.
void AppendHeadersJson(std::string_view block, std::string& out);

}  // namespace millrace::land
