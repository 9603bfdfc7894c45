#include "document/dynamodb/dynamo_number.h"

#include <fmt/format.h>

#include "document/decimal.h"
#include "document/document_store.h"

namespace millrace::document {
namespace {

constexpr size_t kDigitsMax = 38;
constexpr int64_t kPowerMin = -130;
constexpr int64_t kPowerMax = 125;

[[noreturn]] void Refuse(std::string_view text, std::string_view why) {
  throw Unfit{event::RejectCause::kContract, fmt::format("the number {} {}", ShownNumber(text), why)};
}

}  // namespace

std::string CanonicalNumber(std::string_view text) {
  const auto [negative, digits, power] = DecimalOf(text);
  if (digits.empty()) return "0";
  if (digits.size() > kDigitsMax) Refuse(text, fmt::format("has more than the {} digits that are kept", kDigitsMax));
  const int64_t magnitude = power + static_cast<int64_t>(digits.size()) - 1;
  if (magnitude < kPowerMin || magnitude > kPowerMax) Refuse(text, "is outside of 1E-130 to 1E126");
  return fmt::format("{}{}{}", negative ? "-" : "", digits, power == 0 ? "" : fmt::format("E{}", power));
}

}  // namespace millrace::document
