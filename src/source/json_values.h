#pragma once

#include <simdjson.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "source/json_path.h"

namespace millrace::source {

static_assert(simdjson::SIMDJSON_PADDING <= PaddedBuffer::kPadding);

/// PaddedBuffer::kPadding bytes behind it must be readable.
inline simdjson::padded_string_view Padded(std::string_view text) {
  return simdjson::padded_string_view(text.data(), text.size(), text.size() + PaddedBuffer::kPadding);
}

/// JSON's white space at both ends left out.
std::string_view TrimmedJson(std::string_view text);

struct JsonValue {
  simdjson::ondemand::json_type type{};
  std::string text;  // a string unescaped, anything else as it stands there
};

/// What stands at a path of a document, which is read from its beginning; nullopt: nothing.
std::optional<JsonValue> ValueAt(simdjson::ondemand::document& document, const JsonPath& path);

/// Calls `body` with each element as it stands in the document. False when the array breaks off.
bool ForEachElement(simdjson::ondemand::array array, const std::function<void(std::string_view)>& body);

}  // namespace millrace::source
