#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "io/http_call.h"
#include "schema/json_object.h"

/// Names as the Iceberg REST spec sends them. Here a namespace of several levels is their names with dots between.
namespace millrace::catalog {

/// ["a", "b"]. Error kData for none, for a level that is empty or holds a dot, a slash or a control character.
std::string NamespaceFromJson(const nlohmann::json& levels);
nlohmann::json NamespaceToJson(const std::string& name_space);
/// "a\x1Fb", from a path or a query.
std::string NamespaceFromText(const std::string& text);

/// {"namespace": ["a", "b"], "name": "t"}.
TableName TableFromJson(const schema::JsonObject& identifier);
nlohmann::json ToJson(const TableName& name);
/// Error kData for a name that is empty or holds a slash or a control character.
void CheckTableName(const std::string& name);

/// The {namespace} and {table} of a route.
std::string NamespaceOf(const io::HttpCall& call);
TableName TableOf(const io::HttpCall& call);

}  // namespace millrace::catalog
