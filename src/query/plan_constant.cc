#include "query/plan_constant.h"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace millrace::query {
namespace {

using Json = nlohmann::json;

std::optional<int64_t> Whole(const Json& value) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX))
    return std::nullopt;
  return value.get<int64_t>();
}

template <typename Number>
std::optional<table::Value> WholeAs(const Json& value) {
  const auto whole = Whole(value);
  if (!whole || *whole < std::numeric_limits<Number>::min() || *whole > std::numeric_limits<Number>::max())
    return std::nullopt;
  return table::Value(static_cast<Number>(*whole));
}

/// 128 bits come as {"upper": int64, "lower": uint64}.
std::optional<std::pair<uint64_t, uint64_t>> Halves(const Json& value) {
  if (!value.is_object() || !value.contains("upper") || !value.contains("lower")) return std::nullopt;
  if (!value["upper"].is_number_integer() || !value["lower"].is_number_integer()) return std::nullopt;
  const auto bits = [](const Json& half) {
    return half.is_number_unsigned() ? half.get<uint64_t>() : static_cast<uint64_t>(half.get<int64_t>());
  };
  return std::pair(bits(value["upper"]), bits(value["lower"]));
}

std::optional<table::Value> DecimalValue(const Json& value) {
  if (const auto whole = Whole(value)) return table::Value(table::Decimal{*whole});
  const auto halves = Halves(value);
  if (!halves) return std::nullopt;
  const auto bits = (static_cast<__uint128_t>(halves->first) << 64) | halves->second;
  return table::Value(table::Decimal{static_cast<__int128_t>(bits)});
}

/// DuckDB orders UUIDs as signed numbers by flipping the highest bit.
std::optional<table::Value> UuidValue(const Json& value) {
  const auto halves = Halves(value);
  if (!halves) return std::nullopt;
  std::string bytes(16, '\0');
  const uint64_t upper = halves->first ^ (uint64_t{1} << 63);
  for (size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(upper >> (56 - 8 * i));
    bytes[8 + i] = static_cast<char>(halves->second >> (56 - 8 * i));
  }
  return table::Value(bytes);
}

/// A BLOB is printed with "\xAA" for what is no plain character.
std::optional<table::Value> BinaryValue(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    unsigned byte = 0;
    const char* digits = text.data() + i + 2;
    if (i + 4 > text.size() || text[i + 1] != 'x' || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
      return std::nullopt;
    bytes += static_cast<char>(byte);
    i += 3;
  }
  return table::Value(bytes);
}

std::optional<table::Value> PrimitiveValue(const std::string& id, const Json& value, schema::Primitive kind) {
  using schema::Primitive;
  switch (kind) {
    case Primitive::kBoolean:
      return id == "BOOLEAN" && value.is_boolean() ? std::optional<table::Value>(value.get<bool>()) : std::nullopt;
    case Primitive::kInt:
      return id == "INTEGER" ? WholeAs<int32_t>(value) : std::nullopt;
    case Primitive::kDate:
      return id == "DATE" ? WholeAs<int32_t>(value) : std::nullopt;
    case Primitive::kLong:
      return id == "BIGINT" ? WholeAs<int64_t>(value) : std::nullopt;
    case Primitive::kTime:
      return id == "TIME" ? WholeAs<int64_t>(value) : std::nullopt;
    case Primitive::kTimestamp:
      return id == "TIMESTAMP" ? WholeAs<int64_t>(value) : std::nullopt;
    case Primitive::kTimestamptz:
      return id == "TIMESTAMP WITH TIME ZONE" ? WholeAs<int64_t>(value) : std::nullopt;
    case Primitive::kFloat:
      return id == "FLOAT" && value.is_number() ? std::optional<table::Value>(value.get<float>()) : std::nullopt;
    case Primitive::kDouble:
      return id == "DOUBLE" && value.is_number() ? std::optional<table::Value>(value.get<double>()) : std::nullopt;
    case Primitive::kDecimal:
      return id == "DECIMAL" ? DecimalValue(value) : std::nullopt;
    case Primitive::kString:
      return id == "VARCHAR" && value.is_string() ? std::optional<table::Value>(value.get<std::string>())
                                                  : std::nullopt;
    case Primitive::kUuid:
      return id == "UUID" ? UuidValue(value) : std::nullopt;
    case Primitive::kFixed:
    case Primitive::kBinary:
      return id == "BLOB" ? BinaryValue(value) : std::nullopt;
  }
  return std::nullopt;
}

/// A decimal constant counts in units of its own scale.
bool SameScale(const Json& type, const schema::PrimitiveType& column) {
  return column.kind != schema::Primitive::kDecimal ||
         (type["type_info"].is_object() && type["type_info"].value("scale", -1) == column.scale);
}

}  // namespace

std::optional<table::Value> PlanConstant(const Json& constant, const schema::Type& type) {
  const auto* primitive = std::get_if<schema::PrimitiveType>(&type);
  if (!primitive || !constant.is_object() || constant.value("is_null", true) || !constant.contains("value"))
    return std::nullopt;
  const auto& constant_type = constant.at("type");
  if (!SameScale(constant_type, *primitive)) return std::nullopt;
  return PrimitiveValue(constant_type.value("id", std::string()), constant.at("value"), primitive->kind);
}

}  // namespace millrace::query
