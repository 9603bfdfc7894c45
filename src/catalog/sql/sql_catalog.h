#pragma once

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

namespace millrace::catalog {

struct SqlCatalogOptions {
  std::filesystem::path file;
  /// One file may hold several catalogues; this is ours in it.
  std::string name = "millrace";
  std::chrono::milliseconds lock_wait{30'000};
};

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

 private:
  std::string FreshUuid();
  /// Turns the outcome of the row's change into that of the commit, and cleans up after one that did not happen.
  CommitResult Finish(SqlTables::Outcome outcome, LoadedTable made, const std::string& refused);

  SqlTables tables_;
  io::ObjectStore& store_;
  const Clock& clock_;
  MetadataCache cache_;
  std::mutex random_mutex_;
  Random random_;
};

}  // namespace millrace::catalog
