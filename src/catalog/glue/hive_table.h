#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/glue/glue_client.h"
#include "schema/schema.h"

namespace millrace::catalog {

/// What reads the files.
enum class HiveSerde {
  kOpenx,     // org.openx.data.jsonserde.JsonSerDe, lines of JSON
  kHcatalog,  // org.apache.hive.hcatalog.data.JsonSerDe, likewise
  kParquet,   // org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe
};

/// A table of Glue over plain files.
struct HiveTableOptions {
  TableName name;
  std::string location;                     // the folder, a URI without a slash at its end
  std::vector<std::string> partition_keys;  // names, outermost first
  std::string compression;                  // "gzip", "zstd", of Parquet "snappy" too; empty: none
  HiveSerde serde = HiveSerde::kOpenx;
  std::string owner;  // the pipeline's table that writes the files: another one's table is not touched
};

struct HivePartition {
  std::vector<std::string> values;  // one a key
  std::string location;             // the folder, a URI without a slash at its end
};

/// Keeps a Hive table of Glue in step with files that land: its columns grow and never go, its partitions are made
/// before they are written to, and learn of columns that came since, as engines read a partition by its own. Everything
/// may be done again, by several workers at once. Columns are kept as Iceberg's JSON in the parameter
/// `millrace.schema`, as Hive's types say less. One thread at a time.
class HiveTable {
 public:
  /// Error kConfig for a name that engines over Glue do not take.
  HiveTable(GlueOptions glue, HiveTableOptions options);

  /// The columns of the table that is there; nullopt when there is none. Error kConfig when it is another's, or has
  /// other partitions, or another place.
  std::optional<schema::Schema> Find();
  /// Makes the table, or adds the columns it lacks. Errors of GlueClient; kUnavailable when others change it again and
  /// again.
  void Ensure(const schema::Schema& columns);
  /// Of the columns that Ensure said last. Errors as Ensure.
  void AddPartitions(const std::vector<HivePartition>& partitions);

 private:
  std::optional<nlohmann::json> Entry();
  schema::Schema ColumnsOf(const nlohmann::json& entry) const;
  nlohmann::json Listed(const schema::Schema& columns, nlohmann::json& serde) const;
  nlohmann::json Storage(const schema::Schema& columns, const std::string& location) const;
  nlohmann::json Input(const schema::Schema& columns, const nlohmann::json& before) const;
  void EnsureDatabase();
  void AddSome(const std::vector<HivePartition>& partitions);
  void RequireNoErrors(const nlohmann::json& answer, const std::string& doing,
                       std::vector<std::vector<std::string>>* existing) const;
  void TellOfColumns(const std::vector<std::vector<std::string>>& partitions);
  size_t ShapeOf() const;

  GlueClient client_;
  const HiveTableOptions options_;
  const std::string doing_;  // "the table bronze.events of Glue"
  std::optional<schema::Schema> known_;
  std::map<std::vector<std::string>, size_t> added_;  // by their values, what they say of columns
};

}  // namespace millrace::catalog
