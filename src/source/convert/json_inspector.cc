#include <simdjson.h>

#include <deque>

#include "base/bytes.h"
#include "source/convert/record_writer.h"
#include "source/json_number.h"

namespace millrace::source {

static_assert(simdjson::SIMDJSON_PADDING <= PaddedBuffer::kPadding);

namespace {

namespace ondemand = simdjson::ondemand;

bool OpenObject(ondemand::parser& parser, std::string_view record, ondemand::document* document,
                ondemand::object* object) {
  const simdjson::padded_string_view padded(record.data(), record.size(), record.size() + PaddedBuffer::kPadding);
  return parser.iterate(padded).get(*document) == simdjson::SUCCESS &&
         document->get_object().get(*object) == simdjson::SUCCESS;
}

/// Of a number or literal: without the white space behind it.
std::string_view Trimmed(std::string_view token) { return token.substr(0, token.find_last_not_of(" \t\r\n") + 1); }

}  // namespace

struct JsonInspector::State {
  /// Into `member`, its nested values' JSON into `nested`.
  bool Read(ondemand::field& field, Member* member) {
    using Kind = Member::Kind;
    ondemand::value value = field.value();
    ondemand::json_type type;
    if (field.unescaped_key().get(member->name) != simdjson::SUCCESS) return false;
    if (value.type().get(type) != simdjson::SUCCESS) return false;
    switch (type) {
      case ondemand::json_type::null:
        member->kind = Kind::kNull;
        return Trimmed(value.raw_json_token()) == "null";
      case ondemand::json_type::string:
        member->kind = Kind::kText;
        return value.get_string().get(member->text) == simdjson::SUCCESS;
      case ondemand::json_type::array:
      case ondemand::json_type::object:
        member->kind = Kind::kOther;
        if (value.raw_json().get(member->text) != simdjson::SUCCESS) return false;
        member->text = nested.emplace_back(MinifiedJson(member->text));
        return true;
      case ondemand::json_type::boolean:
        member->kind = Kind::kOther;
        member->text = Trimmed(value.raw_json_token());
        return member->text == "true" || member->text == "false";
      default:
        member->kind = Kind::kOther;
        member->text = Trimmed(value.raw_json_token());
        return DigitsOfJsonNumber(member->text).has_value();
    }
  }

  simdjson::dom::parser whole;
  ondemand::parser lazy;
  std::deque<std::string> nested;
};

JsonInspector::JsonInspector() : state_(std::make_unique<State>()) {}
JsonInspector::~JsonInspector() = default;

bool JsonInspector::IsJson(std::string_view record) {
  return state_->whole.parse(record.data(), record.size(), false).error() == simdjson::SUCCESS;
}

bool JsonInspector::IsUtf8(std::string_view text) { return simdjson::validate_utf8(text); }

bool JsonInspector::Members(std::string_view record, std::vector<Member>* members) {
  members->clear();
  state_->nested.clear();
  ondemand::document document;
  ondemand::object object;
  if (!OpenObject(state_->lazy, record, &document, &object)) return false;
  for (auto result : object) {
    ondemand::field field;
    if (std::move(result).get(field) != simdjson::SUCCESS) return false;
    if (!state_->Read(field, &members->emplace_back())) return false;
  }
  // What stands in nested values was passed over.
  return document.at_end() && (state_->nested.empty() || IsJson(record));
}

bool JsonInspector::Names(std::string_view record, std::vector<std::string_view>* names) {
  names->clear();
  ondemand::document document;
  ondemand::object object;
  if (!OpenObject(state_->lazy, record, &document, &object)) return false;
  for (auto result : object) {
    ondemand::field field;
    if (std::move(result).get(field) != simdjson::SUCCESS) return false;
    if (field.unescaped_key().get(names->emplace_back()) != simdjson::SUCCESS) return false;
  }
  return true;
}

std::string MinifiedJson(std::string_view record) {
  std::string small(record.size() + simdjson::SIMDJSON_PADDING, '\0');
  size_t size = 0;
  if (simdjson::minify(record.data(), record.size(), small.data(), size) != simdjson::SUCCESS) {
    return std::string(record);
  }
  small.resize(size);
  return small;
}

}  // namespace millrace::source
