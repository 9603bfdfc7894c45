#include "source/json_fault.h"

#include <simdjson.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bytes.h"

namespace millrace::source {
namespace {

static_assert(simdjson::SIMDJSON_PADDING <= PaddedBuffer::kPadding);

/// Looks at every byte and keeps nothing but the place of the first mistake.
class FaultFinder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    byte = position;
    return false;
  }

  size_t byte = 0;  // from 1
};

}  // namespace

std::string PrintableExcerpt(std::string_view text, size_t begin, size_t bytes) {
  std::string shown(text.substr(std::min(begin, text.size()), bytes));
  std::ranges::replace_if(
      shown, [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '.');
  return shown;
}

std::optional<JsonFault> FindJsonFault(std::string_view padded) {
  thread_local simdjson::dom::parser parser;
  if (parser.parse(padded.data(), padded.size(), false).error() == simdjson::SUCCESS) return std::nullopt;
  // The other parser knows the place, and takes integers of any length.
  FaultFinder finder;
  if (nlohmann::json::sax_parse(padded, &finder)) return std::nullopt;
  const size_t byte = finder.byte > 0 ? finder.byte - 1 : 0;
  const size_t shown_from = byte - std::min(byte, JsonFault::kShownBytes / 2);
  return JsonFault{byte, shown_from, PrintableExcerpt(padded, shown_from, JsonFault::kShownBytes)};
}

}  // namespace millrace::source
