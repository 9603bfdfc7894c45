#pragma once

#include "schema/avro/avro_schema.h"
#include "schema/registry/registry.h"

namespace millrace::schema {

/// The types of an Avro schema with those it refers to. Error kData as AvroSchema::Parse has it.
AvroSchema ParseAvro(const RegisteredSchema& schema, AvroSchema::Rules rules);

}  // namespace millrace::schema
