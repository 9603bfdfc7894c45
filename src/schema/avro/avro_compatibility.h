#pragma once

#include <string>
#include <vector>

#include "schema/avro/avro_schema.h"

namespace millrace::schema {

/// Why a reader of one schema cannot read all that a writer of another writes (Avro 1.11 specification, "Schema
/// Resolution"), one sentence with the path each; empty: it can.
std::vector<std::string> WhyAvroUnreadable(const AvroType& reader, const AvroType& writer);

}  // namespace millrace::schema
