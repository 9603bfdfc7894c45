#pragma once

#include <optional>

#include "schema/avro/avro_schema.h"
#include "schema/schema.h"

namespace millrace::schema {

/// What a column holds the values of an Avro type as. All fields are optional: another writer may lack them.
///   int, date, time-millis          int, date, time
///   long, timestamp-*, time-micros  long; timestamptz or, of local-timestamp-*, timestamp; time
///   bytes, fixed                    binary, fixed; decimal of up to 38 digits; duration stays fixed(12)
///   string, enum                    string; uuid (of fixed(16) too)
///   record, array, map              struct, list, map of string
///   union                           its one branch beside null; else a struct with a member for each of them
/// A type that holds itself has no end: string, of JSON. nullopt: values say nothing (null, records without fields).
/// Error kData when it comes to more than `columns_max` columns, or nests deeper than 64 levels.
std::optional<Type> TypeFromAvro(const AvroType& type, size_t columns_max);

/// The union's branches beside null.
std::vector<const AvroType*> ValueBranches(const AvroType& type);
/// What the member of a branch is called in the struct of a union: the type's name, in full where two would be alike.
std::string BranchName(const AvroType& union_type, const AvroType& branch);

/// Whether a value of the type may hold another one of it.
bool IsRecursive(const AvroType& type);

}  // namespace millrace::schema
