#pragma once

#include <string>
#include <vector>

#include "schema/protobuf/protobuf_schema.h"

namespace millrace::schema {

/// Why a program with one schema misreads what was written by another, one sentence each. By numbers, as Protobuf's
/// wire format goes ("Updating A Message Type"), and by what Confluent's registry refuses beside that: a message that
/// is gone, a field that left its oneof by being removed. Packages and the names of fields may change.
std::vector<std::string> WhyProtobufUnreadable(const ProtobufSchema& reader, const ProtobufSchema& writer);

}  // namespace millrace::schema
