#pragma once

#include <string>
#include <string_view>

namespace millrace::source {

/// Where a value stands in a JSON document: "$", "$.data.items", "$['first name']", "$.pages[0].id"; a last "[*]"
/// means the elements of an array. "data.items" is short for "$.data.items". Other forms of RFC 9535 (filters, slices,
/// wildcards within) are not taken.
class JsonPath {
 public:
  /// Error kConfig when it cannot be read.
  static JsonPath Parse(std::string_view text);

  /// RFC 6901.
  const std::string& pointer() const { return pointer_; }
  const std::string& text() const { return text_; }
  /// It ended in [*].
  bool elements() const { return elements_; }

 private:
  std::string text_;
  std::string pointer_;
  bool elements_ = false;
};

}  // namespace millrace::source
