#include "source/json_values.h"

namespace millrace::source {

namespace ondemand = simdjson::ondemand;

std::string_view TrimmedJson(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::optional<JsonValue> ValueAt(ondemand::document& document, const JsonPath& path) {
  document.rewind();
  // A document that is a scalar as a whole has no value for simdjson.
  bool scalar = false;
  if (document.is_scalar().get(scalar) != simdjson::SUCCESS || scalar) return std::nullopt;
  ondemand::value found;
  const auto error =
      path.pointer().empty() ? document.get_value().get(found) : document.at_pointer(path.pointer()).get(found);
  JsonValue value;
  if (error != simdjson::SUCCESS || found.type().get(value.type) != simdjson::SUCCESS) return std::nullopt;
  std::string_view text;
  const bool is_text = value.type == ondemand::json_type::string;
  if ((is_text ? found.get_string().get(text) : found.raw_json().get(text)) != simdjson::SUCCESS) return std::nullopt;
  value.text = is_text ? text : TrimmedJson(text);
  return value;
}

bool ForEachElement(ondemand::array array, const std::function<void(std::string_view)>& body) {
  for (auto element : array) {
    std::string_view raw;
    if (element.raw_json().get(raw) != simdjson::SUCCESS) return false;
    body(TrimmedJson(raw));
  }
  return true;
}

}  // namespace millrace::source
