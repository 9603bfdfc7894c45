#include "land/header_json.h"

#include <simdjson.h>

#include "base/json_text.h"
#include "event/record_headers.h"
#include "io/digest.h"
#include "land/header_column.h"

namespace millrace::land {

void AppendHeadersJson(std::string_view block, std::string& out) {
  if (block.empty()) {
    out += "null";
    return;
  }
  char before = '[';
  for (const auto& [name, value] : event::HeadersOf(block)) {
    out += before;
    before = ',';
    out += R"({"key":)";
    AppendJsonText(HeaderName(name), out);
    if (!value) {
      out += R"(,"value":null})";
    } else if (simdjson::validate_utf8(value->data(), value->size())) {
      out += R"(,"value":)";
      AppendJsonText(*value, out);
      out += '}';
    } else {
      out += R"(,"value_base64":")";
      out += io::Base64(*value);
      out += "\"}";
    }
  }
  out += ']';
}

}  // namespace millrace::land
