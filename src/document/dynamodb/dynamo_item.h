#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "document/document_store.h"

namespace millrace::document {

class NumberTexts;

/// A member of a table's key.
struct DynamoKey {
  std::string name;
  bool number = false;  // else text
  bool sort = false;
};

/// An item in DynamoDB's JSON, {"name": {"S": "text"}, ...}, put together attribute by attribute. Objects become maps,
/// lists lists, null the null; numbers keep their digits. Everything throws Unfit.
class DynamoItem {
 public:
  /// The attribute of a key, from a record or from what deletes one.
  void Key(const DynamoKey& key, simdjson::dom::element value);
  void Text(std::string_view name, std::string_view text);
  void Whole(std::string_view name, int64_t value);
  void Flag(std::string_view name);
  /// All members of a record, but those of `keys`, which the item has already.
  void Members(const JsonRecord& record, std::span<const DynamoKey> keys);
  /// `deleted`: when; none: it stands.
  void Version(const document::Version& version, std::optional<Timestamp> deleted);

  /// The attributes so far, without braces: equal for equal ones.
  std::string Attributes() const { return text_; }
  /// The whole item; one that is larger than 400 KiB is Unfit.
  std::string Finish() const;

 private:
  void Name(std::string_view name);
  void Quoted(std::string_view text);
  void Value(simdjson::dom::element value, NumberTexts& numbers, int depth);
  void List(simdjson::dom::array list, NumberTexts& numbers, int depth);
  void Map(simdjson::dom::object object, NumberTexts& numbers, int depth);
  void Number(std::string_view text);
  void Raw(std::string_view text) { text_ += text; }

  std::string text_;
  size_t bytes_ = 0;  // as DynamoDB counts them, or less
};

}  // namespace millrace::document
