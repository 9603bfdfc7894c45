#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>

#include "schema/avro/avro_codec.h"

namespace millrace::land {

/// The schema of Avro for rows of ToArrow's form, as Iceberg writes it: a record named `name` whose fields are
/// ["null", type], null by default, with their ids as "field-id". Names are spelled as Avro has them
/// (SanitizeAvroName), then the column's own stands in "iceberg-field-name".
///   int, long, float, double, boolean, string, bytes, fixed, array, record      as they are
///   date: int, date; time: long, time-micros; timestamp(tz): long, (local-)timestamp-micros
///   decimal: bytes, decimal; uuid: string, uuid
///   map: map where keys are text; else an array of {key, value} with logicalType "map"
std::string AvroSchemaOf(const arrow::Schema& columns, const std::string& name);

/// Appends a row of AvroSchemaOf(`rows.schema()`).
void AppendAvroRow(const arrow::RecordBatch& rows, int64_t row, schema::AvroEncoder& out);

}  // namespace millrace::land
