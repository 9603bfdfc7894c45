#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "catalog/catalog.h"
#include "catalog/metadata_cache.h"
#include "catalog/sql/sql_tables.h"
#include "catalog/table_files.h"
#include "catalog/transaction.h"

namespace millrace::catalog {

struct SqlCatalogOptions {
  std::filesystem::path file;
  /// One file may hold several catalogues; this is ours in it.
  std::string name = "millrace";
  std::chrono::milliseconds lock_wait{30'000};
};

using TransactionResult = std::variant<std::vector<LoadedTable>, Conflict, Unknown>;

/// Iceberg's SQL catalogue in a SQLite file, which pyiceberg (`sqlite:///...`) and Java's JdbcCatalog open as well,
/// also while this program runs. A commit writes new metadata beside the old and then compares and swaps the location
/// in one row; the file's locks decide between processes. Thread-safe. Borrows the store and the clock.
class SqlCatalog final : public Catalog {
 public:
  /// Error kConfig or kStop, in one sentence, for a file that is no such catalogue or of a newer layout.
  SqlCatalog(const SqlCatalogOptions& options, io::ObjectStore& store, const Clock& clock = Clock::System(),
             Random random = Random::FromSystem());

  void EnsureNamespace(const std::string& name_space) override;
  std::vector<std::string> ListNamespaces() override { return tables_.ListNamespaces(); }
  std::vector<TableName> ListTables(const std::string& name_space) override { return tables_.ListTables(name_space); }
  /// Error kStop for a table whose files are outside the store.
  std::optional<LoadedTable> Load(const TableName& name) override;
  CommitResult Create(const CreateTable& request) override;
  CommitResult Commit(const TableName& name, const std::vector<table::Requirement>& requirements,
                      const std::vector<table::Update>& updates) override;
  bool Drop(const TableName& name) override;
  void Rename(const TableName& from, const TableName& to) override;
  io::ObjectStore& store() override { return store_; }

  /// Beyond the port, for those that the catalogue is served to.
  ///
  /// All commits or none, decided by one transaction. One that requires that its table is not there makes it, of the
  /// updates alone.
  TransactionResult CommitAll(const std::vector<TableCommit>& commits);
  /// As Commit. Calls for one table that come while another one writes wait for it and then share one new version: each
  /// is decided for itself, in turn, on what those before it made, and what it returns has the changes of all.
  CommitResult CommitBeside(const TableCommit& commit);
  /// The metadata that Create would write; nothing is kept.
  table::TableMetadata Stage(const CreateTable& request);
  /// A table that is there as files already. Conflict when the name is taken; Error kConfig when no metadata of a table
  /// is at `metadata_location`, or it lies outside the store.
  CommitResult Register(const TableName& name, const std::string& metadata_location);
  /// False when it is there already.
  bool CreateNamespace(const std::string& name_space, const std::map<std::string, std::string>& properties);
  /// False when there is none, or something is in it.
  bool DropNamespace(const std::string& name_space);
  /// nullopt when there is no such namespace.
  std::optional<std::map<std::string, std::string>> NamespaceProperties(const std::string& name_space) {
    return tables_.NamespaceProperties(name_space);
  }
  void SetNamespaceProperties(const std::string& name_space, const std::map<std::string, std::string>& updates,
                              const std::vector<std::string>& removals);

 private:
  /// New metadata that is written and that no table names yet.
  struct Prepared {
    SqlTables::Move move;
    LoadedTable made;
    std::vector<std::string> expired;
  };
  std::variant<Prepared, Conflict> Prepare(const TableCommit& commit);
  /// Writes `next` beside `base` (null: the first version).
  Prepared WriteNext(const TableName& name, const LoadedTable* base, NextMetadata next);
  TransactionResult Decide(const std::vector<TableCommit>& commits);
  struct Turn;
  void DecideTogether(const std::vector<Turn*>& turns);
  std::string FreshUuid();
  /// Moves the rows of the tables, all or none, and cleans up after it, as Finish.
  TransactionResult Swap(const std::vector<SqlTables::Move>& moves, std::vector<LoadedTable> made,
                         const std::vector<std::string>& expired);
  /// Turns the outcome of the rows' change into that of the commit, and cleans up after one that did not happen.
  TransactionResult Finish(SqlTables::Outcome outcome, std::vector<LoadedTable> made, const std::string& refused);

  SqlTables tables_;
  io::ObjectStore& store_;
  const Clock& clock_;
  MetadataCache cache_;
  /// Of the tables with one hash of their names.
  struct Turns {
    /// Of several who commit to one table here each finds what the one before made, and none writes metadata in vain.
    std::mutex mutex;
    std::mutex waiting_mutex;  // after mutex
    std::vector<Turn*> waiting;
  };
  Turns& TurnsOf(const TableName& name);
  std::array<Turns, 32> turns_;
  std::mutex random_mutex_;
  Random random_;
};

}  // namespace millrace::catalog
