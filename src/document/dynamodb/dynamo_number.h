#pragma once

#include <string>
#include <string_view>

namespace millrace::document {

/// The one way to write a number of JSON, equal for equal numbers: its digits without zeros around and the power of
/// ten, "15E-1"; "0". Throws Unfit where DynamoDB has no such number: more than 38 digits, or a magnitude outside
/// 1E-130 to 1E126.
/// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
std::string CanonicalNumber(std::string_view text);

/// The numbers of a JSON text, one after the other, as they are written. The text was parsed before.
class NumberTexts {
 public:
  explicit NumberTexts(std::string_view json) : left_(json) {}
  std::string_view Next();

 private:
  std::string_view left_;
};

}  // namespace millrace::document
