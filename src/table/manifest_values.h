#pragma once

#include <optional>

#include "schema/schema.h"
#include "table/avro_types.h"
#include "table/value.h"

namespace millrace::table {

/// A partition value as manifests hold it (Iceberg spec, appendix A). `avro` is the writer's type, resolved; `type`
/// what the table has now, which may be wider than what was written. Error kData when one cannot be the other.
Value ReadPartitionValue(AvroDecoder& decoder, const AvroType& avro, const schema::PrimitiveType& type);

/// Inverse, by the schema that ManifestEntrySchemaJson gives for `type`.
void WritePartitionValue(AvroEncoder& encoder, const schema::PrimitiveType& type, const Value& value);

/// Bytes that a decimal of so many digits needs in two's complement.
int DecimalBytesOf(int precision);

}  // namespace millrace::table
