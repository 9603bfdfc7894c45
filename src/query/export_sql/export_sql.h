#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/catalog.h"
#include "schema/schema.h"

namespace millrace::query {

enum class SqlDialect { kAthena, kBigQuery, kClickHouse, kDuckDb, kRedshift, kSnowflake, kSpark, kTrino };
std::optional<SqlDialect> ParseSqlDialect(std::string_view word);
/// "athena, bigquery, ...".
std::string SqlDialectWords();

/// A table as another engine is to see it.
struct ExportedTable {
  catalog::TableName name = {};
  schema::Schema schema = {};
  std::string location = {};           // the folder of its files, a URI without a slash at its end
  std::string metadata_location = {};  // of an Iceberg table; empty: its files are plain ones
  bool parquet = false;                // of plain files: they are Parquet, and not JSON lines
  bool in_glue = false;                // plain files that are a table of Glue's already
  /// Columns that tell rows apart, where they are known.
  std::vector<std::string> key = {};
  /// The column that its partitions follow in time; empty: the first one that is a time serves.
  std::string time_column = {};
  /// Of plain files: how lines are packed, and the levels of folders, outermost first: the name of a partition's column
  /// and what stands in front of its value ("type="); a fixed folder has no name.
  std::string compression = {};  // "gzip", "zstd"; empty: none
  std::vector<std::pair<std::string, std::string>> levels = {};

  bool is_iceberg() const { return !metadata_location.empty(); }
};

/// Where the tables are and who says which files they are.
struct ExportedLake {
  enum class Catalog { kOwn, kRest, kGlue };
  std::string name = {};       // the pipeline's
  std::string warehouse = {};  // a URI without a slash at its end
  std::string region = {};     // of a bucket of AWS; empty: not said
  std::string endpoint = {};   // of a bucket that is not AWS's
  Catalog catalog = Catalog::kOwn;
  std::string catalog_address = {};  // kOwn: the SQLite file; kRest: the URI; kGlue: the account, where it is said
};

/// A script in the engine's own SQL: what makes it see the tables, how it learns of what landed since, and per table a
/// few queries about its content and its quality. What only the reader knows stands in <angle brackets>. Error kUsage
/// when the engine cannot reach a local folder.
std::string ExportSql(SqlDialect dialect, const ExportedLake& lake, const std::vector<ExportedTable>& tables);

}  // namespace millrace::query
