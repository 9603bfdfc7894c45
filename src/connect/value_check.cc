#include "connect/value_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>

#include "base/letter_case.h"

namespace millrace::connect {
namespace {

std::string Invalid(const Property& property, std::string_view value, std::string_view why) {
  const auto shown = property.type == PropertyType::kPassword ? std::string_view(kHidden) : value;
  return fmt::format("Invalid value {} for configuration {}: {}", shown, property.name, why);
}

/// Java's range of the type.
std::pair<int64_t, int64_t> RangeOf(PropertyType type) {
  switch (type) {
    case PropertyType::kInt:
      return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
    case PropertyType::kShort:
      return {std::numeric_limits<int16_t>::min(), std::numeric_limits<int16_t>::max()};
    case PropertyType::kBoolean:
    case PropertyType::kString:
    case PropertyType::kLong:
    case PropertyType::kDouble:
    case PropertyType::kList:
    case PropertyType::kClass:
    case PropertyType::kPassword:
      break;
  }
  return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
}

std::optional<int64_t> ParseNumber(PropertyType type, std::string_view text) {
  if (text.size() > 1 && text.front() == '+') text.remove_prefix(1);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto [low, high] = RangeOf(type);
  if (error != std::errc() || end != text.data() + text.size() || number < low || number > high) return std::nullopt;
  return number;
}

/// What Connect prints of a text that is of the type; nullopt: it is not, and `why` says so.
std::optional<std::string> Printed(const Property& property, const std::string& text, std::string& why) {
  switch (property.type) {
    case PropertyType::kBoolean:
      if (const auto word = Lower(text); word == "true" || word == "false") return word;
      why = "Expected value to be either true or false";
      return std::nullopt;
    case PropertyType::kInt:
    case PropertyType::kShort:
    case PropertyType::kLong:
      if (const auto number = ParseNumber(property.type, text)) return std::to_string(*number);
      why = fmt::format("Not a number of type {}", ToString(property.type));
      return std::nullopt;
    case PropertyType::kDouble: {
      double number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error == std::errc() && end == text.data() + text.size()) return text;
      why = fmt::format("Not a number of type {}", ToString(property.type));
      return std::nullopt;
    }
    case PropertyType::kClass:
      if (property.choices.empty() || std::ranges::find(property.choices, text) != property.choices.end()) return text;
      for (const auto& choice : property.choices) {
        if (SimpleName(choice) == text) return choice;
      }
      why = fmt::format("Class {} could not be found.", text);
      return std::nullopt;
    case PropertyType::kList:
      return fmt::format("{}", fmt::join(SplitList(text), ","));
    case PropertyType::kString:
      return text;
    case PropertyType::kPassword:
      return kHidden;
  }
  return text;
}

void CheckBounds(CheckedProperty& checked) {
  const auto& property = checked.definition;
  if (!property.min) return;
  if (!checked.value) {
    checked.errors.push_back(Invalid(property, "null", "Value must be non-null"));
    return;
  }
  const auto number = ParseNumber(PropertyType::kLong, *checked.value);
  if (!number) return;
  if (*number < *property.min) {
    checked.errors.push_back(
        Invalid(property, *checked.value, fmt::format("Value must be at least {}", *property.min)));
  } else if (property.max && *number > *property.max) {
    checked.errors.push_back(
        Invalid(property, *checked.value, fmt::format("Value must be no more than {}", *property.max)));
  }
}

void CheckText(CheckedProperty& checked) {
  const auto& property = checked.definition;
  if (!checked.value) return;
  if (property.non_empty && checked.value->empty()) {
    checked.errors.push_back(Invalid(property, "", "String must be non-empty"));
  }
  if (property.type != PropertyType::kString || property.choices.empty()) return;
  const auto is_it = [&](const std::string& choice) {
    return property.any_case ? Lower(choice) == Lower(*checked.value) : choice == *checked.value;
  };
  if (std::ranges::any_of(property.choices, is_it)) return;
  const auto choices = fmt::format("{}", fmt::join(property.choices, ", "));
  const char* const words =
      property.any_case ? "String must be one of (case insensitive): {}" : "String must be one of: {}";
  checked.errors.push_back(Invalid(property, *checked.value,
                                   property.enumerator
                                       ? fmt::format("Invalid enumerator value. Should be one of: [{}]", choices)
                                       : fmt::format(fmt::runtime(words), choices)));
}

}  // namespace

std::string_view ToString(PropertyType type) {
  switch (type) {
    case PropertyType::kBoolean:
      return "BOOLEAN";
    case PropertyType::kString:
      return "STRING";
    case PropertyType::kInt:
      return "INT";
    case PropertyType::kShort:
      return "SHORT";
    case PropertyType::kLong:
      return "LONG";
    case PropertyType::kDouble:
      return "DOUBLE";
    case PropertyType::kList:
      return "LIST";
    case PropertyType::kClass:
      return "CLASS";
    case PropertyType::kPassword:
      return "PASSWORD";
  }
  return "STRING";
}

std::string_view ToString(Importance importance) {
  switch (importance) {
    case Importance::kHigh:
      return "HIGH";
    case Importance::kMedium:
      return "MEDIUM";
    case Importance::kLow:
      return "LOW";
  }
  return "MEDIUM";
}

std::string Trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (auto part = Trimmed(text.substr(0, comma)); !part.empty()) parts.push_back(std::move(part));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

std::string SimpleName(std::string_view class_name) {
  const auto dot = class_name.find_last_of(".$");
  return std::string(dot == std::string_view::npos ? class_name : class_name.substr(dot + 1));
}

CheckedProperty CheckValue(const Property& property, const std::optional<std::string>& given) {
  CheckedProperty checked;
  checked.definition = property;
  checked.visible = !property.hidden;
  if (property.type == PropertyType::kClass) checked.recommended = property.choices;
  if (!given) {
    checked.value = property.default_value;
    if (property.required) {
      checked.errors.push_back(
          fmt::format("Missing required configuration \"{}\" which has no default value.", property.name));
    }
    return checked;
  }
  const auto text = Trimmed(*given);
  std::string why;
  checked.value = Printed(property, text, why);
  if (!checked.value) checked.errors.push_back(Invalid(property, text, why));
  CheckBounds(checked);
  CheckText(checked);
  return checked;
}

}  // namespace millrace::connect
