#include "app/header_json.h"

#include <string>

#include "land/header_json.h"

namespace millrace::app {

nlohmann::ordered_json HeadersAsJson(std::string_view block) {
  if (block.empty()) return nlohmann::ordered_json::array();
  std::string text;
  land::AppendHeadersJson(block, text);
  return nlohmann::ordered_json::parse(text);
}

}  // namespace millrace::app
