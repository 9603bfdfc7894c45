#include "document/record_parser.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace millrace::document {
namespace {

using event::RejectCause;
namespace dom = simdjson::dom;

/// What the stores allow is 100 (MongoDB) or less.
constexpr size_t kDepthMax = 100;

Unfit ReasonOf(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return {RejectCause::kInvalidUtf8, "not UTF-8"};
    case simdjson::DEPTH_ERROR:
      return {RejectCause::kTooDeep, fmt::format("nested deeper than {}", kDepthMax)};
    case simdjson::CAPACITY:
      return {RejectCause::kTooLarge, "larger than a record may be"};
    default:
      return {RejectCause::kMalformed, fmt::format("not JSON: {}", simdjson::error_message(error))};
  }
}

dom::element Parse(dom::parser& parser, const char* text, size_t size) {
  dom::element value;
  const auto error = parser.parse(text, size, false).get(value);
  if (error != simdjson::SUCCESS) throw ReasonOf(error);
  return value;
}

bool IsObject(std::string_view key) {
  const auto first = key.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && key[first] == '{';
}

}  // namespace

RecordParser::RecordParser(size_t record_bytes_max) : records_(record_bytes_max), keys_(record_bytes_max) {
  for (auto* parser : {&records_, &keys_}) {
    parser->number_as_string(true);
    if (parser->allocate(size_t{1} << 16, kDepthMax) != simdjson::SUCCESS) throw std::bad_alloc();
  }
}

JsonRecord RecordParser::Record(std::string_view record) {
  dom::object object;
  if (Parse(records_, record.data(), record.size()).get(object) != simdjson::SUCCESS) {
    throw Unfit{RejectCause::kNotAnObject, "a document is an object"};
  }
  return {object, record};
}

dom::element RecordParser::ParseKey(std::string text) {
  text_ = std::move(text);
  const size_t size = text_.size();
  text_.append(simdjson::SIMDJSON_PADDING, '\0');
  return Parse(keys_, text_.data(), size);
}

dom::element RecordParser::KeyAsText(std::string_view key) {
  try {
    return ParseKey(nlohmann::json(std::string(key)).dump());
  } catch (const nlohmann::json::exception&) {
    throw Unfit{RejectCause::kInvalidUtf8, "its key is not UTF-8"};
  }
}

/// A key that is no object.
dom::element RecordParser::PlainKey(std::string_view key, PlainKeys plain_keys) {
  if (plain_keys == PlainKeys::kText) return KeyAsText(key);
  dom::element value;
  try {
    value = ParseKey(std::string(key));
  } catch (const Unfit&) {
    value = KeyAsText(key);
  }
  if (value.is_null()) throw Unfit{RejectCause::kMissingKey, "its key is null"};
  return value;
}

const std::vector<dom::element>& RecordParser::Key(std::string_view key, const std::vector<std::string>& names,
                                                   PlainKeys plain_keys) {
  values_.clear();
  if (IsObject(key) || names.size() > 1) {
    dom::object members;
    if (ParseKey(std::string(key)).get(members) != simdjson::SUCCESS) {
      throw Unfit{RejectCause::kMissingKey, "its key is no object, and several members make the id"};
    }
    for (const auto& name : names) values_.push_back(KeyMember(members, name));
  } else {
    values_.push_back(PlainKey(key, plain_keys));
  }
  return values_;
}

const std::vector<dom::element>& RecordParser::WholeKey(std::string_view key, PlainKeys plain_keys) {
  values_.clear();
  values_.push_back(IsObject(key) ? ParseKey(std::string(key)) : PlainKey(key, plain_keys));
  return values_;
}

std::string_view RecordParser::whole_key_text() const {
  return std::string_view(text_).substr(0, text_.size() - simdjson::SIMDJSON_PADDING);
}

dom::element KeyMember(dom::object record, const std::string& name) {
  dom::element value;
  if (record.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) {
    throw Unfit{RejectCause::kMissingKey, fmt::format("{} is null or missing, and makes the id", name)};
  }
  return value;
}

}  // namespace millrace::document
