#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "query/duckdb_connection.h"
#include "query/engine.h"
#include "query/statement.h"

namespace millrace::query {

/// One name of a statement and what it stands for.
struct ResolvedName {
  catalog::TableName written;  // as in the SQL, which may differ in letters' case
  catalog::TableName name;
  /// A view: the SELECT behind it. Otherwise a table as it is to be read.
  std::optional<std::string> view;
  std::optional<catalog::LoadedTable> table;
  const table::Snapshot* snapshot = nullptr;  // of table->metadata; null: read as empty
  schema::Schema schema;
  std::optional<QueryOptions::Range> range;
  const std::set<std::string>* only_files = nullptr;  // null: all of them
  const QueryOptions::Change* change = nullptr;       // null: as it is
  bool with_path = false;
};

/// "silver.users" in lower case: what two names share when SQL holds them to be one.
std::string KeyOf(const catalog::TableName& name);

/// Every table and view that `statement` needs, views opened, each after what it is made of. Error kData for a name
/// that is not in the lake, naming the nearest.
std::vector<ResolvedName> Resolve(catalog::Catalog& catalog, Connection& parser, const Statement& statement,
                                  const QueryOptions& options);

/// Every table of the lake.
std::vector<catalog::TableName> AllTables(catalog::Catalog& catalog);

}  // namespace millrace::query
