#pragma once

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::query {

/// A value for a place that a statement leaves open: $name, or $1 and ?, which go by number. It is bound, never part of
/// the SQL's text.
struct Parameter {
  std::string name;                 // without the $; "1", "2", ... for places that go by number
  std::string type;                 // an SQL type of a closed list, in capitals; empty: NULL without a type
  std::optional<std::string> text;  // the value as SQL casts it from text; none: NULL
};

/// Reads "name=value" or "name:type=value". Without a type, `value` is what SQL takes it for when it is a number, true,
/// false or null as JSON writes them, and text otherwise. Error kUsage.
Parameter ParseParameter(std::string_view given);

/// Reads {"name": value, ...}, or [value, ...] for places that go by number. A value is a JSON string (text), number,
/// true, false or null, or {"type": "date", "value": "2026-01-31"}. Error kUsage.
std::vector<Parameter> ParametersOfJson(const nlohmann::json& given);

}  // namespace millrace::query
