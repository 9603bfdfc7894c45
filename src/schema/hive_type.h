#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schema/schema.h"

namespace millrace::schema {

/// A type as Hive's catalogues write it, in Iceberg's mapping (org.apache.iceberg.aws.glue.IcebergToGlueConverter):
/// "bigint", "decimal(9,2)", "struct<os:string>"; time and uuid are strings, both timestamps "timestamp".
std::string HiveType(const Type& type);
/// The same for lines of JSON that a SerDe reads: what JSON has no form for is a string, and so is a struct whose
/// members' names Hive's types cannot spell (it is read as its own text).
std::string HiveJsonType(const Type& type);
/// The same for columns of Parquet files, by what is stored: a time is bigint (microseconds of the day), a uuid binary.
/// nullopt for a struct whose members' names Hive's types cannot spell: no engine would find them.
std::optional<std::string> HiveParquetType(const Type& type);
/// A column's name as engines over Hive's catalogues take it: lower case, anything strange an underscore.
std::string HiveColumnName(std::string_view name);

}  // namespace millrace::schema
