#pragma once

#include <bson/bson.h>

#include <string>

namespace millrace::source {

enum class BsonForm {
  /// What JSON has: an ObjectId is its 24 digits, a date of the years 0 to 9999 ISO 8601 with milliseconds, a
  /// Decimal128 a number of all its
  /// digits, binary base64, a number that is none (NaN) null.
  kPlain,
  kExtended,  // MongoDB's relaxed Extended JSON v2: types can be had back
};

/// The document as one line of JSON.
std::string ToJson(const bson_t& document, BsonForm form);

/// The value of `iter` as a record's key: text as it is, all else as JSON.
std::string ToKey(const bson_iter_t& iter, BsonForm form);

}  // namespace millrace::source
