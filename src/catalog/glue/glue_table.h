#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "catalog/catalog.h"

/// An Iceberg table as the engines of AWS, Spark, Trino and pyiceberg expect it in Glue: what Iceberg's own Java client
/// writes (org.apache.iceberg.aws.glue.IcebergToGlueConverter).
namespace millrace::catalog {

/// A name that Glue and every engine over it keep as it is. Error kConfig: `what` is "namespace" or "table".
void RequireGlueName(const std::string& name, const char* what);

/// A `Table` of an answer.
bool IsIceberg(const nlohmann::json& table);
/// Error kConfig when the table is none of Iceberg's, kData when it lacks its metadata's place.
std::string MetadataLocationOf(const nlohmann::json& table, const std::string& name);
/// Error kStop when it has none: there would be nothing to lock by.
std::string VersionIdOf(const nlohmann::json& table, const std::string& name);

/// The TableInput that makes `made` what the table is. `before`: the `Table` that is there, of which is kept what is
/// not Iceberg's (owner, description, parameters of others); null for a new one.
nlohmann::json TableInputOf(const LoadedTable& made, const nlohmann::json& before);
/// That of a table under another name.
nlohmann::json RenamedTableInput(const nlohmann::json& table, const std::string& name);

}  // namespace millrace::catalog
