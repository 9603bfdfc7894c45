#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/sql/metadata_rows.h"
#include "catalog/sql/sqlite.h"
#include "catalog/sql/write_transaction.h"

namespace millrace::catalog {

/// The two tables of a SQL catalogue, as pyiceberg and Java's JdbcCatalog (schema V1) lay them out; frozen:
///
///   iceberg_tables(catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location,
///   iceberg_type) iceberg_namespace_properties(catalog_name, namespace, property_key, property_value)
///
/// A file that an older pyiceberg made has no iceberg_type (V0) and is used as it is. Rows of type VIEW are no tables.
/// Thread-safe.
class SqlTables {
 public:
  /// Makes the tables unless they are there. Error kConfig or kStop, in one sentence, for a file of something else.
  SqlTables(const std::filesystem::path& file, std::string catalog_name, std::chrono::milliseconds lock_wait,
            const std::string& vfs = "");

  using Outcome = WriteOutcome;

  std::optional<std::string> FindLocation(const TableName& name);
  /// Also makes the namespace known. Shares a transaction with others, as Swap does.
  Outcome Insert(const TableName& name, const std::string& location);
  struct Move {
    TableName name;
    std::string from;  // empty: there is no such table yet
    std::string to;
    /// The file at `to`, packed, when it may not be durable yet: kept by the same transaction. Its row comes back.
    std::string kept = {};
    MetadataRow row = {};
    /// Of files that nobody names any more after it.
    std::vector<MetadataRow> forgotten = {};
  };
  /// Compare-and-swap: done only when each of them was at its `from`, else none is. Calls that come while another one
  /// syncs wait for it and then share one transaction, each deciding for itself: what a commit costs is the syncing.
  Outcome Swap(std::vector<Move>& moves);
  Outcome Rename(const TableName& from, const TableName& to);
  /// kRefused when there was no such table.
  Outcome Delete(const TableName& name);

  Outcome EnsureNamespace(const std::string& name_space);
  /// kRefused when it is there already.
  Outcome CreateNamespace(const std::string& name_space, const std::map<std::string, std::string>& properties);
  /// kRefused when there is no such namespace, or something is in it.
  Outcome DropNamespace(const std::string& name_space);
  /// nullopt: there is no such namespace. One is there too when a table is in it or below.
  std::optional<std::map<std::string, std::string>> NamespaceProperties(const std::string& name_space);
  Outcome SetNamespaceProperties(const std::string& name_space, const std::map<std::string, std::string>& updates,
                                 const std::vector<std::string>& removals);
  std::vector<std::string> ListNamespaces();
  std::vector<TableName> ListTables(const std::string& name_space);

  /// Metadata files that may not be durable yet.
  std::vector<MetadataRow> KeptFiles();
  /// As it was written; empty when it is not kept any more.
  std::string KeptFile(const MetadataRow& row);
  Outcome Forget(const std::vector<MetadataRow>& rows);

  /// Why the last kUnclear was, in SQLite's words.
  std::string message();

 private:
  bool HasTables();
  void CheckLayout();
  void InsertNamespace(const std::string& name_space);
  void InsertProperty(const std::string& name_space, const std::string& key, const std::string& value);
  bool InsertTable(const TableName& name, const std::string& location);
  bool MoveTable(Move& move);
  struct Turn;
  void SwapTogether(const std::vector<Turn*>& turns);
  void LogCommits();
  bool SwapOne(std::vector<Move>& moves);
  bool HasNamespace(const std::string& name_space);
  bool HoldsTables(const std::string& name_space);
  bool HasBelow(const std::string& name_space);
  template <typename Body>
  Outcome Write(Body body);

  const std::string file_name_;
  const std::string catalog_name_;
  std::mutex turns_mutex_;    // before mutex_
  std::vector<Turn*> turns_;  // that nobody has taken on yet
  bool swapping_ = false;
  std::mutex mutex_;
  SqliteFile file_;
  MetadataRows kept_;
  bool logs_commits_ = false;
  std::string table_rows_only_;  // " AND ..." to leave views out; empty for a V0 file
  bool has_type_ = true;
};

}  // namespace millrace::catalog
