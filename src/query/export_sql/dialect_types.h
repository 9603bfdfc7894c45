#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "schema/schema.h"

/// Types as engines spell them where they are told the columns of JSON lines. Times come as text.
namespace millrace::query {

std::string SparkType(const schema::Type& type);
std::string TrinoType(const schema::Type& type);
/// `name` quotes a member's name. Everything may be null, but for what ClickHouse does not let be.
std::string ClickHouseType(const schema::Type& type, const std::function<std::string(std::string_view)>& name);
/// Of one value; structs, lists and maps are VARIANT.
std::string SnowflakeType(const schema::Type& type);
/// Of Redshift Spectrum; structs whose members have strange names are text.
std::string RedshiftType(const schema::Type& type);
/// Maps, and structs whose members have names that BigQuery does not take, are JSON.
std::string BigQueryType(const schema::Type& type);

}  // namespace millrace::query
