#pragma once

#include <string>

#include "connect/given.h"
#include "connect/yaml_text.h"

namespace millrace::connect {

/// What the value of a record is, by its converter.
enum class ValueForm { kJson, kJsonWithSchema, kText, kBytes, kAvro, kProtobuf, kJsonSchema, kOther };
ValueForm ValueFormOf(const Given& given);

/// Of converters, what is wrong in themselves.
void CheckConverters(const Given& given, Findings& findings);

/// For sinks that make something of what a record says: the types that stand beside a document are not looked at, so
/// that times and decimals would be numbers and Base64.
void RefuseJsonWithSchema(const Given& given, Findings& findings);

/// Adds `schema_registry:` where a converter names one.
void WriteRegistry(const std::string& connector, const Given& given, Tree& root,
                   std::map<std::string, std::string>& secrets);

}  // namespace millrace::connect
