#include "document/dynamodb/dynamo_item.h"

#include <fmt/format.h>

#include <algorithm>

#include "document/decimal.h"
#include "document/dynamodb/dynamo_number.h"
#include "document/members.h"

namespace millrace::document {
namespace {

using event::RejectCause;
namespace dom = simdjson::dom;

constexpr size_t kItemBytesMax = size_t{400} << 10;
constexpr int kDepthMax = 32;
// Of the value of a key.
constexpr size_t kPartitionKeyBytesMax = 2048;
constexpr size_t kSortKeyBytesMax = 1024;

bool IsNumber(dom::element value) {
  const auto type = value.type();
  return type == dom::element_type::INT64 || type == dom::element_type::UINT64 || type == dom::element_type::DOUBLE ||
         type == dom::element_type::BIGINT;
}

/// Of a record or of a key that deletes it: the same number gives the same text.
std::string KeyNumber(dom::element value) { return CanonicalNumber(simdjson::minify(value)); }

std::string_view KeyText(const DynamoKey& key, dom::element value) {
  const auto text = value.get_string().value_unsafe();
  const size_t bytes_max = key.sort ? kSortKeyBytesMax : kPartitionKeyBytesMax;
  if (text.empty()) throw Unfit{RejectCause::kMissingKey, fmt::format("{} is empty, and makes the id", key.name)};
  if (text.size() > bytes_max) {
    throw Unfit{RejectCause::kTooLarge, fmt::format("{} has {} bytes, and a {} key may have {}", key.name, text.size(),
                                                    key.sort ? "sort" : "partition", bytes_max)};
  }
  return text;
}

bool IsOneOf(std::span<const DynamoKey> keys, std::string_view name) {
  return std::ranges::find(keys, name, &DynamoKey::name) != keys.end();
}

}  // namespace

void DynamoItem::Key(const DynamoKey& key, dom::element value) {
  if (key.number ? !IsNumber(value) : !value.is_string()) {
    const bool scalar = IsNumber(value) || value.is_string();
    throw Unfit{scalar ? RejectCause::kContract : RejectCause::kMissingKey,
                fmt::format("{} is {}, and in the key of the table a {}", key.name,
                            simdjson::minify(value).substr(0, 100), key.number ? "number" : "text")};
  }
  Name(key.name);
  if (key.number) return Number(KeyNumber(value));
  Raw(R"({"S":)");
  Quoted(KeyText(key, value));
  Raw("}");
}

void DynamoItem::Text(std::string_view name, std::string_view text) {
  Name(name);
  Raw(R"({"S":)");
  Quoted(text);
  Raw("}");
}

void DynamoItem::Whole(std::string_view name, int64_t value) {
  Name(name);
  Number(std::to_string(value));
}

void DynamoItem::Flag(std::string_view name) {
  Name(name);
  Raw(R"({"BOOL":true})");
}

void DynamoItem::Members(const JsonRecord& record, std::span<const DynamoKey> keys) {
  NumberTexts numbers(record.text);
  MemberNames names;
  for (const auto member : record.object) {
    names.Add(member.key);
    if (!IsOneOf(keys, member.key)) {
      Name(member.key);
      Value(member.value, numbers, 0);
    } else if (IsNumber(member.value)) {
      if (CanonicalNumber(numbers.Next()) == KeyNumber(member.value)) continue;
      throw Unfit{RejectCause::kContract, fmt::format("{} has more digits than a fraction in a key can", member.key)};
    }
  }
}

void DynamoItem::Version(const document::Version& version, std::optional<Timestamp> deleted) {
  DynamoItem members;
  members.Text("split", version.split.value());
  members.Whole("offset", version.offset);
  members.Whole("time", Milliseconds(version.time));
  if (deleted) members.Whole("deleted", Milliseconds(*deleted));
  Name(kVersionMember);
  Raw(R"({"M":{)");
  Raw(members.text_);
  Raw("}}");
  bytes_ += members.bytes_;
}

std::string DynamoItem::Finish() const {
  if (bytes_ > kItemBytesMax) {
    throw Unfit{RejectCause::kTooLarge, fmt::format("{} bytes, and an item may have 400 KiB", bytes_)};
  }
  return "{" + text_ + "}";
}

void DynamoItem::Name(std::string_view name) {
  if (name.empty()) throw Unfit{RejectCause::kContract, "a member has no name, and an attribute must have one"};
  if (!text_.empty() && text_.back() == '}') Raw(",");  // behind the value of another one
  Quoted(name);
  Raw(":");
}

void DynamoItem::Quoted(std::string_view text) {
  bytes_ += text.size();
  text_ += '"';
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x20 && text[end] != '"' && text[end] != '\\')
      ++end;
    text_ += text.substr(begin, end - begin);
    if (end < text.size()) text_ += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[end++]));
    begin = end;
  }
  text_ += '"';
}

void DynamoItem::Value(dom::element value, NumberTexts& numbers, int depth) {
  switch (value.type()) {
    case dom::element_type::OBJECT:
      return Map(value.get_object().value_unsafe(), numbers, depth + 1);
    case dom::element_type::ARRAY:
      return List(value.get_array().value_unsafe(), numbers, depth + 1);
    case dom::element_type::STRING:
      Raw(R"({"S":)");
      Quoted(value.get_string().value_unsafe());
      return Raw("}");
    case dom::element_type::BOOL:
      ++bytes_;
      return Raw(value.get_bool().value_unsafe() ? R"({"BOOL":true})" : R"({"BOOL":false})");
    case dom::element_type::NULL_VALUE:
      ++bytes_;
      return Raw(R"({"NULL":true})");
    default:
      return Number(numbers.Next());
  }
}

void DynamoItem::List(dom::array list, NumberTexts& numbers, int depth) {
  if (depth > kDepthMax) throw Unfit{RejectCause::kTooDeep, fmt::format("nested deeper than {}", kDepthMax)};
  bytes_ += 3;
  Raw(R"({"L":[)");
  bool first = true;
  for (const auto item : list) {
    if (!std::exchange(first, false)) Raw(",");
    ++bytes_;
    Value(item, numbers, depth);
  }
  Raw("]}");
}

void DynamoItem::Map(dom::object object, NumberTexts& numbers, int depth) {
  if (depth > kDepthMax) throw Unfit{RejectCause::kTooDeep, fmt::format("nested deeper than {}", kDepthMax)};
  bytes_ += 3;
  Raw(R"({"M":{)");
  MemberNames names;
  for (const auto member : object) {
    names.Add(member.key);
    Name(member.key);
    ++bytes_;
    Value(member.value, numbers, depth);
  }
  Raw("}}");
}

/// What it takes is two digits a byte.
void DynamoItem::Number(std::string_view text) {
  constexpr size_t kLong = 40;
  const auto canonical = CanonicalNumber(text);
  bytes_ += 1 + (std::min(canonical.find('E'), canonical.size()) + 1) / 2;
  Raw(fmt::format(R"({{"N":"{}"}})", text.size() > kLong ? std::string_view(canonical) : text));
}

}  // namespace millrace::document
