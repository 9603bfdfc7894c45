#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "decode/column.h"

namespace millrace::decode {

/// The `_rescued` value of one row while it is read: a JSON object of path -> the value as it was written.
/// A path is made of member names and list indices, `device.os`, `items[3].qty`; a name that would be ambiguous is
/// quoted, `device["a.b"]`. Maps show their key, `labels["k"]`.
class RescuedRow {
 public:
  struct Mark {
    size_t bytes = 0;
    size_t paths = 0;
    size_t count = 0;
  };

  void Clear();
  /// Values, that is.
  size_t count() const { return count_; }
  size_t bytes() const { return text_.size(); }

  /// False when the row has something under this path already.
  bool Add(const std::string& path, std::string_view raw);
  /// Takes the path without a value.
  bool Note(const std::string& path);

  Mark Here() const { return {text_.size(), paths_.size(), count_}; }
  /// Forgets what was added since.
  void Rewind(Mark mark);

  /// Appends the object to `column` as a row, or null when there is none.
  void Flush(Column& column);

 private:
  std::string text_;
  size_t count_ = 0;
  std::vector<std::string> paths_;
  std::unordered_set<std::string> seen_;
};

/// The path of the row being read in `column`, and of a member of it.
std::string PathOf(const Column& column);
std::string PathOf(const Column& object, std::string_view member);
/// The same over all rows, as a schema names it: `items.element.qty`.
std::string SchemaPathOf(const Column& object, std::string_view member);

/// A path as far as it fits into the detail of a reject.
std::string Shortened(std::string_view path);

}  // namespace millrace::decode
