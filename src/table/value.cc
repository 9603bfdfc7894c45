#include "table/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "table/calendar.h"

namespace millrace::table {
namespace {

using schema::Primitive;
using schema::PrimitiveType;

/// -0.0 before 0.0, NaN after everything: Java's order.
template <typename Float>
std::strong_ordering CompareFloats(Float left, Float right) {
  if (std::isnan(left) || std::isnan(right)) return std::isnan(left) <=> std::isnan(right);
  return std::strong_order(left, right);
}

template <typename Number>
std::string LittleEndian(Number number) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(sizeof(Number), '\0');
  std::memcpy(bytes.data(), &number, sizeof(Number));
  return bytes;
}

template <typename Number>
Number FromLittleEndian(std::string_view bytes) {
  Number number;
  std::memcpy(&number, bytes.data(), sizeof(Number));
  return number;
}

std::optional<Value> DecodeDecimal(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > sizeof(__int128_t)) return std::nullopt;
  __int128_t unscaled = static_cast<signed char>(bytes.front()) < 0 ? -1 : 0;
  for (const char byte : bytes) unscaled = unscaled * 256 + static_cast<unsigned char>(byte);
  return Decimal{unscaled};
}

template <typename Narrow, typename Wide>
std::optional<Value> DecodeNumber(std::string_view bytes) {
  if (bytes.size() == sizeof(Wide)) return Value(FromLittleEndian<Wide>(bytes));
  if (bytes.size() == sizeof(Narrow)) return Value(static_cast<Wide>(FromLittleEndian<Narrow>(bytes)));
  return std::nullopt;
}

std::optional<Value> OfLength(std::string_view bytes, int32_t length) {
  if (bytes.size() != static_cast<size_t>(length)) return std::nullopt;
  return Value(std::string(bytes));
}

std::string FormatDate(int64_t days) {
  const CivilDate date = CivilFromDays(days);
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

/// Fraction left out when zero, else 6 digits.
std::string FormatTime(int64_t micros) {
  const int64_t seconds = micros / 1'000'000;
  const int64_t fraction = micros % 1'000'000;
  auto text = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (fraction != 0) text += fmt::format(".{:06}", fraction);
  return text;
}

std::string FormatDateTime(int64_t micros) {
  constexpr int64_t kDay = 86'400'000'000;
  const int64_t day = FloorDivide(micros, kDay);
  const int64_t time = ((micros % kDay) + kDay) % kDay;
  return FormatDate(day) + "T" + FormatTime(time);
}

std::string FormatDecimal(__int128_t unscaled, int32_t scale) {
  const bool negative = unscaled < 0;
  auto rest = negative ? -static_cast<__uint128_t>(unscaled) : static_cast<__uint128_t>(unscaled);
  std::string digits;
  while (rest != 0 || digits.size() <= static_cast<size_t>(scale)) {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  }
  if (scale > 0) digits.insert(digits.size() - static_cast<size_t>(scale), ".");
  return negative ? "-" + digits : digits;
}

std::string FormatUuid(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned char>(bytes[i]));
  }
  return text;
}

std::string FormatBase64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    const size_t used = std::min<size_t>(3, bytes.size() - i);
    for (size_t j = 0; j < 4; ++j) text += j <= used ? kDigits[group >> (18 - 6 * j) & 63U] : '=';
  }
  return text;
}

template <typename Float>
std::string FormatFloat(Float value) {
  auto text = fmt::format("{}", value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string FormatNumber(Primitive kind, int64_t number) {
  switch (kind) {
    case Primitive::kDate:
      return FormatDate(number);
    case Primitive::kTime:
      return FormatTime(number);
    case Primitive::kTimestamp:
      return FormatDateTime(number);
    case Primitive::kTimestamptz:
      return FormatDateTime(number) + "+00:00";
    default:
      return std::to_string(number);
  }
}

std::string FormatBytes(Primitive kind, const std::string& bytes) {
  if (kind == Primitive::kUuid && bytes.size() == 16) return FormatUuid(bytes);
  return kind == Primitive::kString ? bytes : FormatBase64(bytes);
}

}  // namespace

std::strong_ordering Compare(const Value& left, const Value& right) {
  if (left.index() != right.index()) return left.index() <=> right.index();
  return std::visit(
      [&](const auto& value) -> std::strong_ordering {
        using T = std::decay_t<decltype(value)>;
        const T& other = std::get<T>(right);
        if constexpr (std::is_floating_point_v<T>) {
          return CompareFloats(value, other);
        } else if constexpr (std::is_same_v<T, Decimal>) {
          return value.unscaled <=> other.unscaled;
        } else {
          return value <=> other;  // std::string compares unsigned bytes, which for UTF-8 is the order of code points
        }
      },
      left);
}

std::string DecimalBytes(const Decimal& decimal) {
  std::string bytes;
  __int128_t rest = decimal.unscaled;
  do {
    bytes.insert(bytes.begin(), static_cast<char>(rest & 0xFF));
    rest >>= 8;
  } while (!((rest == 0 && static_cast<signed char>(bytes.front()) >= 0) ||
             (rest == -1 && static_cast<signed char>(bytes.front()) < 0)));
  return bytes;
}

std::string EncodeBound(const PrimitiveType& type, const Value& value) {
  return std::visit(
      [&](const auto& held) -> std::string {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, bool>) {
          return std::string(1, held ? '\1' : '\0');
        } else if constexpr (std::is_same_v<T, std::string>) {
          return held;
        } else if constexpr (std::is_same_v<T, Decimal>) {
          return DecimalBytes(held);
        } else if constexpr (std::is_same_v<T, int32_t>) {
          return type.kind == Primitive::kLong ? LittleEndian(int64_t{held}) : LittleEndian(held);
        } else {
          return LittleEndian(held);
        }
      },
      value);
}

std::optional<Value> DecodeBound(const PrimitiveType& type, std::string_view bytes) {
  switch (type.kind) {
    case Primitive::kBoolean:
      if (bytes.size() != 1) return std::nullopt;
      return Value(bytes.front() != '\0');
    case Primitive::kInt:
    case Primitive::kDate:
      if (bytes.size() != 4) return std::nullopt;
      return Value(FromLittleEndian<int32_t>(bytes));
    case Primitive::kLong:
      return DecodeNumber<int32_t, int64_t>(bytes);
    case Primitive::kTime:
    case Primitive::kTimestamp:
    case Primitive::kTimestamptz:
      if (bytes.size() != 8) return std::nullopt;
      return Value(FromLittleEndian<int64_t>(bytes));
    case Primitive::kFloat:
      if (bytes.size() != 4) return std::nullopt;
      return Value(FromLittleEndian<float>(bytes));
    case Primitive::kDouble:
      return DecodeNumber<float, double>(bytes);
    case Primitive::kDecimal:
      return DecodeDecimal(bytes);
    case Primitive::kUuid:
      return OfLength(bytes, 16);
    case Primitive::kFixed:
      return OfLength(bytes, type.length);
    case Primitive::kString:
    case Primitive::kBinary:
      return Value(std::string(bytes));
  }
  return std::nullopt;
}

std::string ToString(const PrimitiveType& type, const Value& value) {
  return std::visit(
      [&](const auto& held) -> std::string {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, bool>) {
          return held ? "true" : "false";
        } else if constexpr (std::is_same_v<T, std::string>) {
          return FormatBytes(type.kind, held);
        } else if constexpr (std::is_same_v<T, Decimal>) {
          return FormatDecimal(held.unscaled, type.scale);
        } else if constexpr (std::is_floating_point_v<T>) {
          return FormatFloat(held);
        } else {
          return FormatNumber(type.kind, held);
        }
      },
      value);
}

}  // namespace millrace::table
