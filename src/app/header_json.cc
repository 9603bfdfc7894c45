#include "app/header_json.h"

#include <simdjson.h>

#include <string>
#include <utility>

#include "event/record_headers.h"
#include "io/digest.h"

namespace millrace::app {

nlohmann::ordered_json HeadersAsJson(std::string_view block) {
  auto headers = nlohmann::ordered_json::array();
  for (const auto& [name, value] : event::HeadersOf(block)) {
    nlohmann::ordered_json header = {{"key", std::string(name)}};
    if (!value) {
      header["value"] = nullptr;
    } else if (simdjson::validate_utf8(value->data(), value->size())) {
      header["value"] = std::string(*value);
    } else {
      header["value_base64"] = io::Base64(*value);
    }
    headers.push_back(std::move(header));
  }
  return headers;
}

}  // namespace millrace::app
