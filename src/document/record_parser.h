#pragma once

#include <simdjson.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "document/document_store.h"

namespace millrace::document {

/// What a record's key is when it is no JSON object and a delete has nothing but it: a JSON value where it is one ("7"
/// is the number), or always text.
enum class PlainKeys { kJson, kText };

/// Records and keys as JSON. What it gives lives until the next call of the same kind.
class RecordParser {
 public:
  explicit RecordParser(size_t record_bytes_max);

  /// `record` has simdjson's padding behind it. Throws Unfit.
  JsonRecord Record(std::string_view record);
  /// The values that `names` have in a record's key: an object with them, or, of one name, the value itself. Throws
  /// Unfit.
  const std::vector<simdjson::dom::element>& Key(std::string_view key, const std::vector<std::string>& names,
                                                 PlainKeys plain_keys);
  /// A record's key as one value. Throws Unfit.
  const std::vector<simdjson::dom::element>& WholeKey(std::string_view key, PlainKeys plain_keys);
  /// Its JSON.
  std::string_view whole_key_text() const;

 private:
  simdjson::dom::element ParseKey(std::string text);
  simdjson::dom::element KeyAsText(std::string_view key);
  simdjson::dom::element PlainKey(std::string_view key, PlainKeys plain_keys);

  simdjson::dom::parser records_;
  simdjson::dom::parser keys_;
  std::string text_;
  std::vector<simdjson::dom::element> values_;
};

/// A member of a record. Throws Unfit kMissingKey when it is not there or null.
simdjson::dom::element KeyMember(simdjson::dom::object record, const std::string& name);

}  // namespace millrace::document
