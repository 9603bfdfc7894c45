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

const std::vector<dom::element>& RecordParser::Key(std::string_view key, const std::vector<std::string>& names,
                                                   PlainKeys plain_keys) {
  values_.clear();
  const auto parse = [&](std::string text) {
    text_ = std::move(text);
    const size_t size = text_.size();
    text_.append(simdjson::SIMDJSON_PADDING, '\0');
    return Parse(keys_, text_.data(), size);
  };
  const auto as_text = [&] {
    try {
      return parse(nlohmann::json(std::string(key)).dump());
    } catch (const nlohmann::json::exception&) {
      throw Unfit{RejectCause::kInvalidUtf8, "its key is not UTF-8"};
    }
  };
  const auto first = key.find_first_not_of(" \t\r\n");
  const bool object = first != std::string_view::npos && key[first] == '{';
  if (object || names.size() > 1) {
    dom::object members;
    if (parse(std::string(key)).get(members) != simdjson::SUCCESS) {
      throw Unfit{RejectCause::kMissingKey, "its key is no object, and several members make the id"};
    }
    for (const auto& name : names) values_.push_back(KeyMember(members, name));
    return values_;
  }
  if (plain_keys == PlainKeys::kText) {
    values_.push_back(as_text());
    return values_;
  }
  try {
    values_.push_back(parse(std::string(key)));
  } catch (const Unfit&) {
    values_.push_back(as_text());
  }
  if (values_[0].is_null()) throw Unfit{RejectCause::kMissingKey, "its key is null"};
  return values_;
}

dom::element KeyMember(dom::object record, const std::string& name) {
  dom::element value;
  if (record.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) {
    throw Unfit{RejectCause::kMissingKey, fmt::format("{} is null or missing, and makes the id", name)};
  }
  return value;
}

}  // namespace millrace::document
