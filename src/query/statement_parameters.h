#pragma once

#include <string>
#include <vector>

#include "query/duckdb_connection.h"
#include "query/parameter.h"
#include "query/statement.h"

namespace millrace::query {

/// Error kData that names the first parameter that `statement` asks for and nobody gave, that is given and not asked
/// for, or that is given twice.
void RequireParameters(const Statement& statement, const std::vector<Parameter>& given);

/// Binds each to its place in a prepared statement of `connection`. Error kData naming the parameter whose text is no
/// value of its type.
void BindParameters(Connection& connection, duckdb_prepared_statement prepared, const std::vector<Parameter>& given);

/// `select` with constants where its parameters are, as DuckDB prints its own tree of it: to be planned for what can be
/// left out, not to be run. `parser` only parses.
std::string WithConstants(Connection& parser, const std::string& select, const std::vector<Parameter>& given);

}  // namespace millrace::query
