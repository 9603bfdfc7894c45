#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "schema/schema.h"

/// Types as engines spell them where they are told the columns of plain files.
namespace millrace::query {

/// What the files are: in JSON times and bytes come as text.
enum class FilesOf { kJson, kParquet };

std::string SparkType(const schema::Type& type, FilesOf files = FilesOf::kJson);
std::string TrinoType(const schema::Type& type, FilesOf files = FilesOf::kJson);
/// `name` quotes a member's name. Everything may be null, but for what ClickHouse does not let be.
std::string ClickHouseType(const schema::Type& type, const std::function<std::string(std::string_view)>& name,
                           FilesOf files = FilesOf::kJson);
/// Of one value; structs, lists and maps are VARIANT.
std::string SnowflakeType(const schema::Type& type, FilesOf files = FilesOf::kJson);
/// Of Redshift Spectrum; structs whose members have strange names are text.
std::string RedshiftType(const schema::Type& type, FilesOf files = FilesOf::kJson);
/// Of JSON. Maps, and structs whose members have names that BigQuery does not take, are JSON.
std::string BigQueryType(const schema::Type& type);

}  // namespace millrace::query
