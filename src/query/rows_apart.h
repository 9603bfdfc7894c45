#pragma once

#include <optional>
#include <string>

#include "catalog/catalog.h"
#include "query/duckdb_connection.h"

namespace millrace::query {

/// Why some of a table's rows alone may not show what a statement makes of all of them: a clause that chooses among
/// groups or rows by others ("HAVING", "a window function"), or the table read more than once. nullopt when nothing of
/// the kind is in the SQL; that a statement has none of them proves nothing. `times` counts how often it names the
/// table. Error kData for SQL that does not parse.
std::optional<std::string> WhyNotApart(Connection& parser, const std::string& sql, const catalog::TableName& table,
                                       int& times);

}  // namespace millrace::query
