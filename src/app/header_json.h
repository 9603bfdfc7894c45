#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace millrace::app {

/// Headers of a record for people, in their order: [{"key": "trace", "value": "abc"}]. A value that is no text is
/// "value_base64", none is null. `block` is event::EventBatch::header_block.
nlohmann::ordered_json HeadersAsJson(std::string_view block);

}  // namespace millrace::app
