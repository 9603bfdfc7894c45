#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "query/duckdb_connection.h"
#include "query/engine.h"

namespace millrace::query {

/// A statement that is ready to run on a connection of its own.
struct PreparedRun {
  std::unique_ptr<Connection> connection;
  std::string sql;
  std::vector<Parameter> parameters = {};
  std::vector<ScanReport> scans;
  /// Keeps the files that are read in their place.
  std::vector<std::shared_ptr<void>> files;
  /// What the statement's names live in: let go before the connection, after the result.
  std::shared_ptr<void> names;
};

/// Starts it; the rows come chunk by chunk as they are asked for. A stop ends the query from outside.
std::unique_ptr<ResultStream> StartQuery(PreparedRun run, std::stop_token stop);

}  // namespace millrace::query
