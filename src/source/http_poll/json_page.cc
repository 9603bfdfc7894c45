#include "source/http_poll/json_page.h"

#include <fmt/format.h>

#include "base/error.h"
#include "source/json_fault.h"
#include "source/json_values.h"

namespace millrace::source {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr size_t kShownBytes = 40;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

void CheckWhole(std::string_view body, const Redaction& redaction) {
  const auto fault = FindJsonFault(body);
  if (!fault) return;
  throw Error(ErrorCode::kData, fmt::format("no JSON from byte {} of {} on: '{}'", fault->byte, body.size(),
                                            redaction.Excerpt(body, fault->shown_from, JsonFault::kShownBytes)));
}

}  // namespace

struct JsonPage::State {
  explicit State(const Redaction& of) : redaction(of) {}

  const Redaction& redaction;
  std::string body;  // with simdjson's padding behind its size
  ondemand::parser parser;
  ondemand::document document;

  bool IsNull() {
    document.rewind();
    ondemand::json_type type{};
    return document.type().get(type) == simdjson::SUCCESS && type == ondemand::json_type::null;
  }
};

JsonPage::JsonPage(std::string body, const Redaction& redaction) : state_(std::make_unique<State>(redaction)) {
  if (body.starts_with(kByteOrderMark)) body.erase(0, kByteOrderMark.size());
  body.reserve(body.size() + PaddedBuffer::kPadding);
  CheckWhole(body, redaction);
  state_->body = std::move(body);
  const auto error = state_->parser.iterate(Padded(state_->body)).get(state_->document);
  if (error != simdjson::SUCCESS) throw Error(ErrorCode::kData, simdjson::error_message(error));
}

JsonPage::~JsonPage() = default;
JsonPage::JsonPage(JsonPage&&) noexcept = default;

std::vector<std::string_view> JsonPage::Rows(const JsonPath& path) {
  const auto refuse = [&](std::string_view what) {
    throw Error(ErrorCode::kData, fmt::format("{} at {} where rows are expected: {}", what, path.text(),
                                              state_->redaction.Excerpt(state_->body, 0, kShownBytes)));
  };
  std::vector<std::string_view> rows;
  if (state_->IsNull()) return rows;
  auto& document = state_->document;
  document.rewind();
  // A document that is a scalar as a whole has no value for simdjson.
  bool scalar = false;
  if (document.is_scalar().get(scalar) != simdjson::SUCCESS || scalar) refuse("neither an array nor an object");
  ondemand::value found;
  const auto error =
      path.pointer().empty() ? document.get_value().get(found) : document.at_pointer(path.pointer()).get(found);
  ondemand::json_type type{};
  if (error != simdjson::SUCCESS || found.type().get(type) != simdjson::SUCCESS) refuse("nothing");
  if (type == ondemand::json_type::null) return rows;
  if (type == ondemand::json_type::object && !path.elements()) {
    std::string_view raw;
    if (found.raw_json().get(raw) != simdjson::SUCCESS) refuse("a broken object");
    return {raw};
  }
  ondemand::array array;
  if (found.get_array().get(array) != simdjson::SUCCESS) refuse("neither an array nor an object");
  if (!ForEachElement(array, [&](std::string_view row) { rows.push_back(row); })) refuse("a broken array");
  return rows;
}

std::optional<std::string> JsonPage::Value(const JsonPath& path) {
  auto value = ValueAt(state_->document, path);
  if (!value || value->text.empty()) return std::nullopt;
  if (value->type != ondemand::json_type::string && value->type != ondemand::json_type::number) return std::nullopt;
  return std::move(value->text);
}

}  // namespace millrace::source
