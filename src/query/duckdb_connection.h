#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "query/duckdb_library.h"

namespace millrace::query {

/// DuckDB's errors as ours, the one place where they convert: what the SQL is to blame for is kData.
Error ToError(duckdb_error_type type, std::string message);

/// One in-memory DuckDB instance. Thread-safe; outlives its connections.
class Database {
 public:
  explicit Database(const std::map<std::string, std::string>& settings);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  duckdb_database handle() const { return handle_; }

 private:
  duckdb_database handle_ = nullptr;
};

/// One session. Used by one thread at a time, but for `Interrupt`.
class Connection {
 public:
  explicit Connection(Database& database);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Execute(const std::string& sql);
  /// For clean-up: false, and nothing thrown, when it fails.
  bool TryExecute(const std::string& sql) noexcept;
  /// The one text cell that a statement with text parameters answers.
  std::string AskText(const std::string& sql, const std::vector<std::string>& parameters);
  /// Appends rows of one path to a table of the columns (path VARCHAR, pos BIGINT).
  void AppendPositions(const std::string& table, const std::string& path, const std::vector<int64_t>& positions);
  /// Appends rows to a table of the columns (number BIGINT, text VARCHAR), numbered from 0.
  void AppendTexts(const std::string& table, std::span<const std::string_view> texts);
  /// Runs a query of the columns (BIGINT, VARCHAR), neither ever null.
  void ForEachRow(const std::string& sql, const std::function<void(int64_t, std::string_view)>& row);
  /// Ends whatever runs here, from any thread.
  void Interrupt() { DuckDb().interrupt(handle_); }

  duckdb_connection handle() const { return handle_; }

 private:
  duckdb_connection handle_ = nullptr;
};

}  // namespace millrace::query
