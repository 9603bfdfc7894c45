#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "schema/schema.h"

namespace millrace::table {

/// Unscaled two's complement number of a decimal(p <= 38).
struct Decimal {
  __int128_t unscaled = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

/// One value of a primitive type, held by its physical form: boolean; int and date as int32; long, time, timestamps
/// as int64; float; double; decimal; string, binary, fixed and uuid (16 bytes, big-endian) as bytes.
using Value = std::variant<bool, int32_t, int64_t, float, double, Decimal, std::string>;

/// Iceberg's order: numeric, unsigned bytes, code points for strings; -0.0 before 0.0. Both of one alternative.
std::strong_ordering Compare(const Value& left, const Value& right);

/// The unscaled value as two's complement, big-endian, in as few bytes as hold it: what bounds and hashes are made of.
std::string DecimalBytes(const Decimal& decimal);

/// Single-value binary serialization (spec, appendix D): the form of bounds.
std::string EncodeBound(const schema::PrimitiveType& type, const Value& value);
/// By byte length, so that a bound written before a promotion (4 bytes of an int that is a long now) still reads.
/// nullopt when the bytes cannot be of the type.
std::optional<Value> DecodeBound(const schema::PrimitiveType& type, std::string_view bytes);

/// "42", "2021-07-21", "PushEvent": as partition paths and people write it.
std::string ToString(const schema::PrimitiveType& type, const Value& value);

}  // namespace millrace::table
