#include "document/mongodb/json_to_bson.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "document/document_store.h"
#include "document/members.h"

namespace millrace::document {
namespace {

using event::RejectCause;
namespace dom = simdjson::dom;

void Require(bool appended) {
  if (!appended) throw Unfit{RejectCause::kTooLarge, "larger than a document may be"};
}

void AppendWhole(bson_t* document, const char* name, int length, int64_t value) {
  const bool small = value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max();
  Require(small ? bson_append_int32(document, name, length, static_cast<int32_t>(value))
                : bson_append_int64(document, name, length, value));
}

/// Decimal128 has 34 digits.
void AppendLarge(bson_t* document, const char* name, int length, const std::string& digits) {
  constexpr size_t kDigitsMax = 34;
  bson_decimal128_t decimal;
  if (digits.size() - (digits[0] == '-' ? 1 : 0) > kDigitsMax ||
      !bson_decimal128_from_string(digits.c_str(), &decimal)) {
    throw Unfit{RejectCause::kContract, fmt::format("{}: a whole number of more than {} digits",
                                                    std::string_view(name, static_cast<size_t>(length)), kDigitsMax)};
  }
  Require(bson_append_decimal128(document, name, length, &decimal));
}

bool IsExtended(dom::object object) {
  if (object.begin() == object.end()) return false;
  return std::ranges::all_of(object, [](const dom::key_value_pair& member) { return member.key.starts_with('$'); });
}

/// The driver's library reads these forms; one that it does not know stays out of the store.
void AppendExtended(bson_t* document, const char* name, int length, dom::object object) {
  const std::string text = "{\"v\":" + simdjson::minify(dom::element(object)) + "}";
  bson_error_t error;
  bson_t parsed;
  if (!bson_init_from_json(&parsed, text.data(), static_cast<ssize_t>(text.size()), &error)) {
    throw Unfit{
        RejectCause::kMalformed,
        fmt::format("{}: no Extended JSON: {}", std::string_view(name, static_cast<size_t>(length)), error.message)};
  }
  bson_iter_t value;
  const bool appended = bson_iter_init_find(&value, &parsed, "v") && bson_append_iter(document, name, length, &value);
  bson_destroy(&parsed);
  Require(appended);
}

void AppendArray(bson_t* document, const char* name, int length, dom::array array) {
  bson_t list;
  Require(bson_append_array_begin(document, name, length, &list));
  uint32_t index = 0;
  for (const auto item : array) {
    char digits[16];
    const char* place = nullptr;
    const size_t size = bson_uint32_to_string(index++, &place, digits, sizeof digits);
    AppendJson(&list, {place, size}, item);
  }
  Require(bson_append_array_end(document, &list));
}

void AppendObject(bson_t* document, const char* name, int length, dom::object object) {
  if (IsExtended(object)) return AppendExtended(document, name, length, object);
  bson_t members;
  Require(bson_append_document_begin(document, name, length, &members));
  AppendMembers(&members, object, {});
  Require(bson_append_document_end(document, &members));
}

}  // namespace

void AppendJson(bson_t* document, std::string_view name, dom::element value) {
  if (name.find('\0') != std::string_view::npos) {
    throw Unfit{RejectCause::kMalformed, "a name of a member holds a zero byte"};
  }
  const char* at = name.data();
  const int length = static_cast<int>(name.size());
  switch (value.type()) {
    case dom::element_type::OBJECT:
      return AppendObject(document, at, length, value.get_object().value_unsafe());
    case dom::element_type::ARRAY:
      return AppendArray(document, at, length, value.get_array().value_unsafe());
    case dom::element_type::INT64:
      return AppendWhole(document, at, length, value.get_int64().value_unsafe());
    case dom::element_type::UINT64:
      return AppendLarge(document, at, length, std::to_string(value.get_uint64().value_unsafe()));
    case dom::element_type::BIGINT:
      return AppendLarge(document, at, length, std::string(value.get_bigint().value_unsafe()));
    case dom::element_type::DOUBLE:
      return Require(bson_append_double(document, at, length, value.get_double().value_unsafe()));
    case dom::element_type::STRING: {
      const auto text = value.get_string().value_unsafe();
      return Require(bson_append_utf8(document, at, length, text.data(), static_cast<int>(text.size())));
    }
    case dom::element_type::BOOL:
      return Require(bson_append_bool(document, at, length, value.get_bool().value_unsafe()));
    default:
      return Require(bson_append_null(document, at, length));
  }
}

void AppendMembers(bson_t* document, dom::object object, std::string_view taken) {
  MemberNames names;
  for (const auto member : object) {
    names.Add(member.key);
    if (member.key != taken) AppendJson(document, member.key, member.value);
  }
}

}  // namespace millrace::document
