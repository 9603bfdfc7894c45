#pragma once

#include <string>

#include "schema/avro/avro_schema.h"

namespace millrace::schema {

/// A type as the JSON of a schema of its own: parsed again it reads the same bytes and says the same of its values
/// (logical types, defaults, aliases, docs, ids of fields). Named types are written where they come first.
std::string PrintAvro(const AvroType& type);

}  // namespace millrace::schema
