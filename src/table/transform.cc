#include "table/transform.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/error.h"
#include "table/murmur3.h"
#include "table/transform_math.h"

namespace millrace::table {
namespace {

using schema::Primitive;
using schema::PrimitiveType;
using Kind = Transform::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 6> kPlain = {{{"identity", Kind::kIdentity},
                                                                      {"year", Kind::kYear},
                                                                      {"month", Kind::kMonth},
                                                                      {"day", Kind::kDay},
                                                                      {"hour", Kind::kHour},
                                                                      {"void", Kind::kVoid}}};

std::optional<int32_t> ParameterOf(std::string_view text, std::string_view name) {
  if (!text.starts_with(name) || text.size() < name.size() + 3 || text[name.size()] != '[' || text.back() != ']')
    return std::nullopt;
  const auto digits = text.substr(name.size() + 1, text.size() - name.size() - 2);
  int32_t parameter = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parameter);
  if (error != std::errc() || end != digits.data() + digits.size() || parameter < 1) return std::nullopt;
  return parameter;
}

bool IsTimestamp(Primitive kind) { return kind == Primitive::kTimestamp || kind == Primitive::kTimestamptz; }

int32_t HashOf(const Value& value) {
  return std::visit(
      [](const auto& held) -> int32_t {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return Murmur3(std::string_view(held));
        } else if constexpr (std::is_same_v<T, Decimal>) {
          return Murmur3(std::string_view(DecimalBytes(held)));
        } else if constexpr (std::is_same_v<T, int32_t> || std::is_same_v<T, int64_t>) {
          return Murmur3(int64_t{held});
        } else {
          throw Error(ErrorCode::kInternal, "bucket does not take booleans or floating point numbers");
        }
      },
      value);
}

Value Truncated(const PrimitiveType& source, int32_t width, const Value& value) {
  return std::visit(
      [&](const auto& held) -> Value {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return std::string(source.kind == Primitive::kString ? TruncateUtf8(held, width)
                                                               : TruncateBytes(held, width));
        } else if constexpr (std::is_same_v<T, Decimal>) {
          return Decimal{TruncateNumber(held.unscaled, __int128_t{width})};
        } else if constexpr (std::is_same_v<T, int32_t> || std::is_same_v<T, int64_t>) {
          return TruncateNumber(held, static_cast<T>(width));
        } else {
          throw Error(ErrorCode::kInternal, "truncate does not take booleans or floating point numbers");
        }
      },
      value);
}

int32_t TimeUnit(Kind kind, const PrimitiveType& source, const Value& value) {
  const int64_t number = std::holds_alternative<int32_t>(value) ? std::get<int32_t>(value) : std::get<int64_t>(value);
  if (kind == Kind::kHour) return HoursOf(number);
  const int32_t days = IsTimestamp(source.kind) ? DaysOf(number) : static_cast<int32_t>(number);
  return kind == Kind::kDay ? days : kind == Kind::kMonth ? MonthsOf(days) : YearsOf(days);
}

}  // namespace

std::string ToString(const Transform& transform) {
  if (transform.kind == Kind::kUnknown) return transform.text;
  if (transform.kind == Kind::kBucket) return fmt::format("bucket[{}]", transform.parameter);
  if (transform.kind == Kind::kTruncate) return fmt::format("truncate[{}]", transform.parameter);
  for (const auto& [name, kind] : kPlain) {
    if (kind == transform.kind) return std::string(name);
  }
  return transform.text;
}

Transform ParseTransform(std::string_view text) {
  for (const auto& [name, kind] : kPlain) {
    if (text == name) return {.kind = kind};
  }
  if (const auto buckets = ParameterOf(text, "bucket")) return {.kind = Kind::kBucket, .parameter = *buckets};
  if (const auto width = ParameterOf(text, "truncate")) return {.kind = Kind::kTruncate, .parameter = *width};
  return {.kind = Kind::kUnknown, .text = std::string(text)};
}

bool CanTransform(const Transform& transform, const PrimitiveType& source) {
  const Primitive type = source.kind;
  switch (transform.kind) {
    case Kind::kIdentity:
    case Kind::kVoid:
      return true;
    case Kind::kBucket:
      return type != Primitive::kBoolean && type != Primitive::kFloat && type != Primitive::kDouble;
    case Kind::kTruncate:
      return type == Primitive::kInt || type == Primitive::kLong || type == Primitive::kDecimal ||
             type == Primitive::kString || type == Primitive::kBinary;
    case Kind::kYear:
    case Kind::kMonth:
    case Kind::kDay:
      return type == Primitive::kDate || IsTimestamp(type);
    case Kind::kHour:
      return IsTimestamp(type);
    case Kind::kUnknown:
      return false;
  }
  return false;
}

PrimitiveType ResultType(const Transform& transform, const PrimitiveType& source) {
  switch (transform.kind) {
    case Kind::kIdentity:
    case Kind::kTruncate:
    case Kind::kVoid:
    case Kind::kUnknown:
      return source;
    case Kind::kDay:
      return {.kind = Primitive::kDate};
    case Kind::kBucket:
    case Kind::kYear:
    case Kind::kMonth:
    case Kind::kHour:
      return {.kind = Primitive::kInt};
  }
  return source;
}

std::optional<Value> ApplyTransform(const Transform& transform, const PrimitiveType& source,
                                    const std::optional<Value>& value) {
  if (transform.kind == Kind::kUnknown) {
    throw Error(ErrorCode::kStop, "the partition transform '" + transform.text +
                                      "' is unknown, so rows cannot be placed; change the table's partitioning");
  }
  if (!value || transform.kind == Kind::kVoid) return std::nullopt;
  switch (transform.kind) {
    case Kind::kIdentity:
      return value;
    case Kind::kBucket:
      return BucketOf(HashOf(*value), transform.parameter);
    case Kind::kTruncate:
      return Truncated(source, transform.parameter, *value);
    default:
      return TimeUnit(transform.kind, source, *value);
  }
}

std::string ToString(const Transform& transform, const PrimitiveType& source, const std::optional<Value>& value) {
  if (!value) return "null";
  const auto* number = std::get_if<int32_t>(&*value);
  if (number != nullptr && transform.kind == Kind::kYear) return fmt::format("{:04}", 1970 + int64_t{*number});
  if (number != nullptr && transform.kind == Kind::kMonth) {
    const int64_t month = FloorModulo(int64_t{*number}, int64_t{12});
    return fmt::format("{:04}-{:02}", 1970 + (*number - month) / 12, month + 1);
  }
  if (number != nullptr && transform.kind == Kind::kHour) {
    const int64_t hour = FloorModulo(int64_t{*number}, int64_t{24});
    return ToString(PrimitiveType{Primitive::kDate}, static_cast<int32_t>((*number - hour) / 24)) +
           fmt::format("-{:02}", hour);
  }
  return ToString(ResultType(transform, source), *value);
}

}  // namespace millrace::table
