#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "query/duckdb_connection.h"

namespace millrace::query {

/// One SQL statement that may run here: it only reads, and only tables of the lake.
struct Statement {
  enum class Kind { kSelect, kShowTables };
  Kind kind = Kind::kSelect;
  std::string select;          // what is planned
  std::string explain_prefix;  // "EXPLAIN ANALYZE ", or empty
  /// Tables and views it names, each once, as they are written; CTEs are not among them.
  std::vector<catalog::TableName> tables;
  /// The places it leaves open, without the $, each once; "1", "2", ... for those that go by number.
  std::vector<std::string> parameters;
};

/// Reads one statement with DuckDB's own parser and lets through only what selects: no file, setting or secret can be
/// named. Error kData otherwise, with the place in the SQL. `connection` only parses.
Statement ReadStatement(Connection& connection, const std::string& sql);

}  // namespace millrace::query
