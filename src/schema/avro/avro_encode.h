#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

#include "schema/avro/avro_codec.h"
#include "schema/avro/avro_schema.h"

namespace millrace::schema {

/// Appends a JSON value as `type` has it. Numbers, texts, objects and lists stand for themselves; a union takes the
/// value of its first branch that fits, or {"branch": value} as Avro writes unions in JSON. Bytes and fixed are text
/// with one character a byte, as in Avro's JSON. Dates and times are numbers, or ISO 8601 text; decimals numbers or
/// text. A member that is absent takes its default, or null where it may be null; one that the record lacks is an
/// error. Error kData with the path: "address.zip: expected int, found text"; nothing is appended then.
void EncodeAvro(const nlohmann::json& value, const AvroType& type, AvroEncoder& out);

/// The bytes of a field's default, which is written in JSON with unions as their first branch.
std::string EncodeAvroDefault(std::string_view json, const AvroType& type);

}  // namespace millrace::schema
