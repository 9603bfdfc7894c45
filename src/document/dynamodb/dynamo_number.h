#pragma once

#include <string>
#include <string_view>

namespace millrace::document {

/// The one way to write a number of JSON, equal for equal numbers: its digits without zeros around and the power of
/// ten, "15E-1"; "0". Throws Unfit where DynamoDB has no such number: more than 38 digits, or a magnitude outside
/// 1E-130 to 1E126.
/// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
std::string CanonicalNumber(std::string_view text);

}  // namespace millrace::document
