#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/sql/sql_catalog.h"
#include "catalog/sql/sqlite.h"
#include "catalog/sql/write_transaction.h"

namespace millrace::catalog {

/// The views of a SQL catalogue: rows of iceberg_tables (sql_tables.h) whose iceberg_type is VIEW, as Java's
/// JdbcCatalog keeps them, so that a name is a table's or a view's and never both. It has a connection of its own.
/// Thread-safe.
class SqlViews {
 public:
  /// Of a file that a SqlCatalog has opened.
  explicit SqlViews(const SqlCatalogOptions& options);

  /// False for a file in which rows do not say what they are, of an older pyiceberg: it can hold none.
  bool CanHold() const { return has_type_; }
  std::optional<std::string> FindLocation(const TableName& name);
  std::vector<std::string> List(const std::string& name_space);

  using Outcome = WriteOutcome;
  /// kRefused when a table or a view has the name.
  Outcome Insert(const TableName& name, const std::string& location);
  /// Compare-and-swap of the location.
  Outcome Swap(const TableName& name, const std::string& from, const std::string& to);
  /// kRefused when there is no such view, or something has the new name.
  Outcome Rename(const TableName& from, const TableName& to);
  Outcome Delete(const TableName& name);
  /// Why the last kUnclear was, in SQLite's words.
  std::string message();

 private:
  template <typename Body>
  Outcome Write(Body body);

  const std::string catalog_name_;
  std::mutex mutex_;
  SqliteFile file_;
  bool has_type_ = false;
};

}  // namespace millrace::catalog
