#pragma once

#include "schema/avro/avro_codec.h"
#include "schema/avro/avro_schema.h"

/// Avro, which manifests are written in, under the names that this folder uses.
namespace millrace::table {

using schema::AvroDecoder;
using schema::AvroEncoder;
using schema::AvroField;
using schema::AvroSchema;
using schema::AvroType;

}  // namespace millrace::table
