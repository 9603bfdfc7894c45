#include <simdjson.h>

#include "base/bytes.h"
#include "source/convert/record_writer.h"

namespace millrace::source {

static_assert(simdjson::SIMDJSON_PADDING <= PaddedBuffer::kPadding);

struct JsonInspector::State {
  simdjson::dom::parser whole;
  simdjson::ondemand::parser lazy;
};

JsonInspector::JsonInspector() : state_(std::make_unique<State>()) {}
JsonInspector::~JsonInspector() = default;

bool JsonInspector::IsJson(std::string_view record) {
  return state_->whole.parse(record.data(), record.size(), false).error() == simdjson::SUCCESS;
}

bool JsonInspector::IsUtf8(std::string_view text) { return simdjson::validate_utf8(text); }

namespace {

namespace ondemand = simdjson::ondemand;

bool ReadMember(ondemand::field& field, JsonInspector::Member* member) {
  using Kind = JsonInspector::Member::Kind;
  std::string_view name, text;
  if (field.unescaped_key().get(name) != simdjson::SUCCESS) return false;
  member->name = name;
  ondemand::value value = field.value();
  ondemand::json_type type;
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  switch (type) {
    case ondemand::json_type::null:
      member->kind = Kind::kNull;
      return true;
    case ondemand::json_type::string:
      if (value.get_string().get(text) != simdjson::SUCCESS) return false;
      member->kind = Kind::kText;
      member->text = text;
      return true;
    default:
      if (value.raw_json().get(text) != simdjson::SUCCESS) return false;
      member->kind = Kind::kOther;
      member->text = MinifiedJson(text);
      return true;
  }
}

}  // namespace

bool JsonInspector::Members(std::string_view record, std::vector<Member>* members) {
  members->clear();
  ondemand::document document;
  ondemand::object object;
  const simdjson::padded_string_view padded(record.data(), record.size(), record.size() + PaddedBuffer::kPadding);
  if (state_->lazy.iterate(padded).get(document) != simdjson::SUCCESS) return false;
  if (document.get_object().get(object) != simdjson::SUCCESS) return false;
  for (auto result : object) {
    ondemand::field field;
    if (std::move(result).get(field) != simdjson::SUCCESS) return false;
    if (!ReadMember(field, &members->emplace_back())) return false;
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
