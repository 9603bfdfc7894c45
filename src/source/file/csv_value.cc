#include "source/file/csv_value.h"

#include <charconv>
#include <cstdint>

#include "source/json_number.h"

namespace millrace::source {
namespace {

constexpr size_t kDoubleDigitsMax = 17;

}  // namespace

bool IsExactJsonNumber(std::string_view text) {
  const auto digits = DigitsOfJsonNumber(text);
  if (!digits) return false;
  if (digits->fraction == 0 && digits->exponent == 0) {
    int64_t value = 0;
    return text != "-0" && std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
  }
  return digits->exponent <= 2 && digits->whole + digits->fraction <= kDoubleDigitsMax;
}

std::string_view JsonBooleanOf(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return "true";
  if (text == "false" || text == "False" || text == "FALSE") return "false";
  return {};
}

}  // namespace millrace::source
