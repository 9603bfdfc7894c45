#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "catalog/catalog.h"
#include "catalog/glue/glue_client.h"
#include "catalog/metadata_cache.h"

namespace millrace::catalog {

/// The AWS Glue Data Catalog: a namespace is a database, a table one of its tables that says where its metadata is. A
/// commit writes new metadata beside the old and then updates the table at the version that it was read at (VersionId),
/// which Glue refuses when somebody was faster. Answers of a commit: done Committed; ConcurrentModificationException,
/// not found, throttled to the end Conflict; 5xx, OperationTimeoutException and no answer Unknown. Tables that are not
/// Iceberg's are not seen. Thread-safe; borrows the store and the clock.
class GlueCatalog final : public Catalog {
 public:
  GlueCatalog(GlueOptions options, io::ObjectStore& store, const Clock& clock = Clock::System(),
              Random random = Random::FromSystem());

  /// Error kConfig for a name that engines over Glue do not take.
  void EnsureNamespace(const std::string& name_space) override;
  std::vector<std::string> ListNamespaces() override;
  /// False when there is none. Error kUsage while there are tables in it, of whatever kind: Glue would drop them too.
  bool DropNamespace(const std::string& name_space);
  /// Those whose files are in the store.
  std::vector<TableName> ListTables(const std::string& name_space) override;
  /// Error kStop for a table whose files are outside the store, kConfig for one that is not Iceberg's.
  std::optional<LoadedTable> Load(const TableName& name) override;
  CommitResult Create(const CreateTable& request) override;
  CommitResult Commit(const TableName& name, const std::vector<table::Requirement>& requirements,
                      const std::vector<table::Update>& updates) override;
  bool Drop(const TableName& name) override;
  /// Glue has no such operation: a second entry, then the first one goes. What somebody commits to the old name
  /// meanwhile is lost, so nobody should.
  void Rename(const TableName& from, const TableName& to) override;
  io::ObjectStore& store() override { return store_; }

 private:
  struct Found {
    nlohmann::json entry;  // Glue's Table
    LoadedTable table;
  };
  std::optional<nlohmann::json> FindEntry(const TableName& name);
  std::optional<Found> Find(const TableName& name);
  std::string FreshUuid();
  void RequireLocking(const std::string& database);
  /// Writes the metadata of `made` and sends the change that points to it; what did not happen is cleaned up after.
  CommitResult Send(const std::string& operation, const nlohmann::json& request, LoadedTable made,
                    const std::string& refused);

  GlueClient client_;
  io::ObjectStore& store_;
  const Clock& clock_;
  MetadataCache cache_;
  /// By the hash of their names, so that of several who commit to one table here none writes metadata in vain.
  std::array<std::mutex, 32> table_mutexes_;
  std::mutex random_mutex_;
  Random random_;
  std::once_flag locking_seen_;
};

}  // namespace millrace::catalog
