#include "schema/primitive_name.h"

#include <array>
#include <charconv>

namespace millrace::schema {
namespace {

constexpr std::array kKinds = {Primitive::kBoolean,   Primitive::kInt,         Primitive::kLong,   Primitive::kFloat,
                               Primitive::kDouble,    Primitive::kDecimal,     Primitive::kDate,   Primitive::kTime,
                               Primitive::kTimestamp, Primitive::kTimestamptz, Primitive::kString, Primitive::kUuid,
                               Primitive::kFixed,     Primitive::kBinary};

constexpr int32_t kDecimalPrecisionMax = 38;

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<int32_t> ParseNumber(std::string_view text) {
  text = Trimmed(text);
  int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

/// The text between `open` and `close` after `name`.
std::optional<std::string_view> Arguments(std::string_view text, std::string_view name, char open, char close) {
  if (!text.starts_with(name)) return std::nullopt;
  text = Trimmed(text.substr(name.size()));
  if (text.size() < 2 || text.front() != open || text.back() != close) return std::nullopt;
  return text.substr(1, text.size() - 2);
}

std::optional<PrimitiveType> ParseDecimal(std::string_view arguments) {
  const size_t comma = arguments.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const auto precision = ParseNumber(arguments.substr(0, comma));
  const auto scale = ParseNumber(arguments.substr(comma + 1));
  if (!precision || !scale || *precision < 1 || *precision > kDecimalPrecisionMax || *scale > *precision)
    return std::nullopt;
  return PrimitiveType{.kind = Primitive::kDecimal, .precision = *precision, .scale = *scale};
}

}  // namespace

std::string_view NameOf(Primitive kind) {
  switch (kind) {
    case Primitive::kBoolean:
      return "boolean";
    case Primitive::kInt:
      return "int";
    case Primitive::kLong:
      return "long";
    case Primitive::kFloat:
      return "float";
    case Primitive::kDouble:
      return "double";
    case Primitive::kDecimal:
      return "decimal";
    case Primitive::kDate:
      return "date";
    case Primitive::kTime:
      return "time";
    case Primitive::kTimestamp:
      return "timestamp";
    case Primitive::kTimestamptz:
      return "timestamptz";
    case Primitive::kString:
      return "string";
    case Primitive::kUuid:
      return "uuid";
    case Primitive::kFixed:
      return "fixed";
    case Primitive::kBinary:
      return "binary";
  }
  return "string";
}

std::optional<PrimitiveType> ParsePrimitive(std::string_view text) {
  if (const auto arguments = Arguments(text, "decimal", '(', ')')) return ParseDecimal(*arguments);
  if (const auto arguments = Arguments(text, "fixed", '[', ']')) {
    const auto length = ParseNumber(*arguments);
    if (!length || *length < 1) return std::nullopt;
    return PrimitiveType{.kind = Primitive::kFixed, .length = *length};
  }
  for (const Primitive kind : kKinds) {
    if (kind != Primitive::kDecimal && kind != Primitive::kFixed && text == NameOf(kind))
      return PrimitiveType{.kind = kind};
  }
  return std::nullopt;
}

}  // namespace millrace::schema
