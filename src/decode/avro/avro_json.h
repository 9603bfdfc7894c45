#pragma once

#include <string>

#include "decode/avro/avro_cursor.h"
#include "schema/avro/avro_schema.h"

namespace millrace::decode {

enum class AvroText { kOk, kDamaged, kInvalidUtf8, kTooDeep };

/// Appends the value at the cursor as JSON: numbers and texts as they are, decimals as numbers, bytes in Base64, a
/// union as the value of its branch, what JSON has no number for (NaN) as text.
AvroText AppendAvroAsJson(const schema::AvroType& type, AvroCursor& cursor, int depth_max, std::string& out);

/// A decimal's unscaled value, of at most 16 bytes in two's complement; false when it is longer than that.
bool ReadUnscaled(std::string_view bytes, __int128_t& value);

}  // namespace millrace::decode
