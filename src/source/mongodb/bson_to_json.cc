#include "source/mongodb/bson_to_json.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "io/digest.h"
#include "source/file/csv_rows.h"

namespace millrace::source {
namespace {

bool HasFourDigitYear(int64_t since_epoch) {
  constexpr int64_t kDay = 86'400'000;
  return since_epoch >= DaysFromCivil(0, 1, 1) * kDay && since_epoch < DaysFromCivil(10'000, 1, 1) * kDay;
}

void AppendDate(std::string& json, int64_t since_epoch) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(since_epoch)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  json += fmt::format("\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\"", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                      clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

/// Its text is a number of JSON but for NaN and Infinity.
void AppendDecimal(std::string& json, const bson_iter_t& iter) {
  bson_decimal128_t decimal;
  bson_iter_decimal128(&iter, &decimal);
  char text[BSON_DECIMAL128_STRING];
  bson_decimal128_to_string(&decimal, text);
  const std::string_view digits = text;
  json += digits.find_first_of("nN") == std::string_view::npos ? digits : "null";
}

void AppendDouble(std::string& json, double value) { json += std::isfinite(value) ? fmt::format("{}", value) : "null"; }

void AppendValue(std::string& json, const bson_iter_t& iter);

void AppendMembers(std::string& json, const bson_iter_t& parent, bool names) {
  bson_iter_t member;
  if (!bson_iter_recurse(&parent, &member)) throw Error(ErrorCode::kData, "a document that is damaged");
  json += names ? '{' : '[';
  for (bool first = true; bson_iter_next(&member); first = false) {
    if (!first) json += ',';
    if (names) {
      AppendJsonString(bson_iter_key(&member), &json);
      json += ':';
    }
    AppendValue(json, member);
  }
  json += names ? '}' : ']';
}

/// What has no plain form: as Extended JSON has it.
void AppendOther(std::string& json, const bson_iter_t& iter) {
  bson_t alone;
  bson_init(&alone);
  bson_append_iter(&alone, "v", 1, &iter);
  size_t size = 0;
  char* text = bson_as_relaxed_extended_json(&alone, &size);
  bson_destroy(&alone);
  if (text == nullptr) throw Error(ErrorCode::kData, "a value that has no JSON");
  // { "v" : ... }
  const std::string_view whole(text, size);
  const auto begin = whole.find(':') + 2;
  json += whole.substr(begin, whole.rfind('}') - begin - 1);
  bson_free(text);
}

void AppendBinary(std::string& json, const bson_iter_t& iter) {
  bson_subtype_t subtype{};
  uint32_t size = 0;
  const uint8_t* bytes = nullptr;
  bson_iter_binary(&iter, &subtype, &size, &bytes);
  json += '"';
  json += io::Base64({reinterpret_cast<const char*>(bytes), size});
  json += '"';
}

void AppendValue(std::string& json, const bson_iter_t& iter) {
  switch (bson_iter_type(&iter)) {
    case BSON_TYPE_UTF8: {
      uint32_t size = 0;
      const char* text = bson_iter_utf8(&iter, &size);
      return AppendJsonString({text, size}, &json);
    }
    case BSON_TYPE_INT32:
      json += fmt::format("{}", bson_iter_int32(&iter));
      return;
    case BSON_TYPE_INT64:
      json += fmt::format("{}", bson_iter_int64(&iter));
      return;
    case BSON_TYPE_DOUBLE:
      return AppendDouble(json, bson_iter_double(&iter));
    case BSON_TYPE_DECIMAL128:
      return AppendDecimal(json, iter);
    case BSON_TYPE_BOOL:
      json += bson_iter_bool(&iter) ? "true" : "false";
      return;
    case BSON_TYPE_NULL:
    case BSON_TYPE_UNDEFINED:
      json += "null";
      return;
    case BSON_TYPE_OID: {
      char digits[25];
      bson_oid_to_string(bson_iter_oid(&iter), digits);
      return AppendJsonString(digits, &json);
    }
    case BSON_TYPE_DATE_TIME: {
      const int64_t time = bson_iter_date_time(&iter);
      return HasFourDigitYear(time) ? AppendDate(json, time) : AppendOther(json, iter);
    }
    case BSON_TYPE_BINARY:
      return AppendBinary(json, iter);
    case BSON_TYPE_DOCUMENT:
      return AppendMembers(json, iter, true);
    case BSON_TYPE_ARRAY:
      return AppendMembers(json, iter, false);
    default:
      return AppendOther(json, iter);
  }
}

}  // namespace

std::string ToJson(const bson_t& document, BsonForm form) {
  std::string json;
  if (form == BsonForm::kExtended) {
    size_t size = 0;
    char* text = bson_as_relaxed_extended_json(&document, &size);
    if (text == nullptr) throw Error(ErrorCode::kData, "a document that is damaged");
    json.assign(text, size);
    bson_free(text);
    return json;
  }
  json.reserve(document.len * 2);
  bson_iter_t member;
  if (!bson_iter_init(&member, &document)) throw Error(ErrorCode::kData, "a document that is damaged");
  json += '{';
  for (bool first = true; bson_iter_next(&member); first = false) {
    if (!first) json += ',';
    AppendJsonString(bson_iter_key(&member), &json);
    json += ':';
    AppendValue(json, member);
  }
  json += '}';
  return json;
}

std::string ToKey(const bson_iter_t& iter, BsonForm form) {
  if (BSON_ITER_HOLDS_UTF8(&iter)) {
    uint32_t size = 0;
    const char* text = bson_iter_utf8(&iter, &size);
    return {text, size};
  }
  std::string key;
  if (form == BsonForm::kExtended) {
    AppendOther(key, iter);
  } else {
    AppendValue(key, iter);
  }
  if (form == BsonForm::kPlain && BSON_ITER_HOLDS_OID(&iter)) return key.substr(1, key.size() - 2);
  return key;
}

}  // namespace millrace::source
