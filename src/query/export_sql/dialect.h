#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/export_sql/export_sql.h"

namespace millrace::query {

/// Statements and comments, one after another.
class SqlScript {
 public:
  /// A comment of one line, whatever is in `text`.
  void Say(std::string_view text);
  /// A statement without its semicolon.
  void Add(std::string_view statement);
  std::string Finish() && { return std::move(text_); }

 private:
  std::string text_;
};

/// What one engine calls and writes otherwise than others.
class Dialect {
 public:
  virtual ~Dialect() = default;

  virtual std::string Name(std::string_view name) const;
  virtual std::string Text(std::string_view text) const;
  /// How a query names the table.
  virtual std::string Reference(const ExportedLake& lake, const ExportedTable& table) const;
  /// A member of a struct, from its column down, of the table alias t.
  virtual std::string Member(const std::vector<std::string>& path) const;
  /// Whether the struct of a column is one to the engine too, and not text.
  virtual bool HasMembers(const ExportedTable& /*table*/, const schema::Field& /*column*/) const { return true; }
  virtual bool ReadsLocalFolders() const { return false; }
  /// Whether the engine can be told of a column of Parquet files: most have no word for a time of day or a UUID.
  virtual bool Sees(const ExportedTable& table, const schema::Field& column) const;

  virtual void Prepare(const ExportedLake& lake, const std::vector<ExportedTable>& tables, SqlScript& script) const = 0;
  virtual void Define(const ExportedLake& lake, const ExportedTable& table, SqlScript& script) const = 0;

 protected:
  std::string QualifiedName(const ExportedTable& table) const;
  /// "CREATE SCHEMA IF NOT EXISTS <name>" for each namespace, after `statement`.
  void MakeSchemas(std::string_view statement, const std::vector<ExportedTable>& tables, SqlScript& script) const;
};

/// Whether a struct of a column is one to engines that read by a catalogue of Hive's, too.
bool IsStructToHive(const ExportedTable& table, const schema::Field& column);
/// Whether Hive has a type and a name for the column: of Parquet, and of what is in Glue already.
bool IsColumnToHive(const ExportedTable& table, const schema::Field& column);

/// With backticks, and backslashes in strings.
class BacktickDialect : public Dialect {
 public:
  std::string Name(std::string_view name) const override;
  std::string Text(std::string_view text) const override;
};

std::unique_ptr<Dialect> MakeDuckDbDialect();
std::unique_ptr<Dialect> MakeSparkDialect();
std::unique_ptr<Dialect> MakeTrinoDialect();
std::unique_ptr<Dialect> MakeClickHouseDialect();
std::unique_ptr<Dialect> MakeAthenaDialect();
std::unique_ptr<Dialect> MakeRedshiftDialect();
std::unique_ptr<Dialect> MakeSnowflakeDialect();
std::unique_ptr<Dialect> MakeBigQueryDialect();

/// A location below the warehouse, without its root and a slash at the front.
std::string BelowWarehouse(const ExportedLake& lake, const std::string& location);
/// "file:///a/b" as "/a/b"; other URIs as they are.
std::string LocalPath(const std::string& uri);
/// In backticks, which are doubled inside: Hive's and Spark's way.
std::string HiveName(std::string_view name);
/// The columns of a table of plain files in Hive's types, as a DDL of Hive's lists them.
std::string HiveColumns(const ExportedTable& table, std::string_view indent);
/// "hour STRING" of each level that is a partition.
std::string HivePartitions(const ExportedTable& table);

}  // namespace millrace::query
