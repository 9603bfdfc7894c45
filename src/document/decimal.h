#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::document {

/// A number of JSON, the same for equal ones: its digits without zeros around, and the power of ten that they are
/// multiplied with. Of zero, no digits.
struct Decimal {
  bool negative = false;
  std::string digits = {};
  int64_t power = 0;  // of a number that is out of all ranges, far out

  bool operator==(const Decimal&) const = default;
};

/// `text` was parsed as JSON before.
Decimal DecimalOf(std::string_view text);

/// A number as it is written, for a person; a long one is cut.
std::string ShownNumber(std::string_view text);

/// The numbers of a JSON text, one after the other, as they are written. The text was parsed before.
class NumberTexts {
 public:
  explicit NumberTexts(std::string_view json) : left_(json) {}
  std::string_view Next();

 private:
  std::string_view left_;
};

}  // namespace millrace::document
