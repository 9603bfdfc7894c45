#include "source/http_poll/json_page.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/bytes.h"
#include "base/error.h"
#include "source/json_fault.h"

namespace millrace::source {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr size_t kShownBytes = 40;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

void CheckWhole(std::string_view body) {
  const auto fault = FindJsonFault(body);
  if (!fault) return;
  throw Error(ErrorCode::kData,
              fmt::format("no JSON from byte {} of {} on: '{}'", fault->byte, body.size(), fault->excerpt));
}

}  // namespace

struct JsonPage::State {
  std::string body;  // with simdjson's padding behind its size
  ondemand::parser parser;
  ondemand::document document;

  simdjson::simdjson_result<ondemand::value> At(const JsonPath& path) {
    document.rewind();
    if (path.pointer().empty()) return document.get_value();
    return document.at_pointer(path.pointer());
  }
};

JsonPage::JsonPage(std::string body) : state_(std::make_unique<State>()) {
  if (body.starts_with(kByteOrderMark)) body.erase(0, kByteOrderMark.size());
  body.reserve(body.size() + PaddedBuffer::kPadding);
  CheckWhole(body);
  state_->body = std::move(body);
  const simdjson::padded_string_view padded(state_->body.data(), state_->body.size(), state_->body.capacity());
  const auto error = state_->parser.iterate(padded).get(state_->document);
  if (error != simdjson::SUCCESS) throw Error(ErrorCode::kData, simdjson::error_message(error));
}

JsonPage::~JsonPage() = default;
JsonPage::JsonPage(JsonPage&&) noexcept = default;

std::vector<std::string_view> JsonPage::Rows(const JsonPath& path) {
  const auto refuse = [&](std::string_view what) {
    throw Error(ErrorCode::kData, fmt::format("{} at {} where rows are expected: {}", what, path.text(),
                                              PrintableExcerpt(state_->body, 0, kShownBytes)));
  };
  // A document that is a scalar as a whole has no value for simdjson.
  bool scalar = false;
  if (state_->document.is_scalar().get(scalar) != simdjson::SUCCESS || scalar) refuse("neither an array nor an object");
  ondemand::value found;
  if (state_->At(path).get(found) != simdjson::SUCCESS) refuse("nothing");
  ondemand::json_type type{};
  if (found.type().get(type) != simdjson::SUCCESS) refuse("nothing");
  std::vector<std::string_view> rows;
  std::string_view raw;
  if (type == ondemand::json_type::null) return rows;
  if (type == ondemand::json_type::object && !path.elements()) {
    if (found.raw_json().get(raw) != simdjson::SUCCESS) refuse("a broken object");
    return {raw};
  }
  if (type != ondemand::json_type::array) refuse("neither an array nor an object");
  for (auto element : found.get_array()) {
    ondemand::value row;
    if (element.get(row) != simdjson::SUCCESS || row.raw_json().get(raw) != simdjson::SUCCESS) refuse("a broken array");
    rows.push_back(raw);
  }
  return rows;
}

std::optional<std::string> JsonPage::Value(const JsonPath& path) {
  ondemand::value found;
  ondemand::json_type type{};
  bool scalar = false;
  if (state_->document.is_scalar().get(scalar) != simdjson::SUCCESS || scalar) return std::nullopt;
  if (state_->At(path).get(found) != simdjson::SUCCESS || found.type().get(type) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  std::string_view text;
  if (type == ondemand::json_type::string) {
    if (found.get_string().get(text) != simdjson::SUCCESS || text.empty()) return std::nullopt;
    return std::string(text);
  }
  if (type != ondemand::json_type::number) return std::nullopt;
  text = found.raw_json_token();
  return std::string(text.substr(0, text.find_last_not_of(" \t\r\n") + 1));
}

}  // namespace millrace::source
