#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <map>
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
#include "io/unsynced_files.h"

namespace millrace::catalog {

struct SqlCatalogOptions {
  std::filesystem::path file;
  /// One file may hold several catalogues; this is ours in it.
  std::string name = "millrace";
  std::chrono::milliseconds lock_wait{30'000};
  /// The store's, when it has such: commits that are served then wait for no metadata file (MetadataLog), and what a
  /// power cut took of those is written again at opening.
  io::UnsyncedFiles* unsynced = nullptr;
  /// False: only to look; what is kept for files that are not durable yet is left to those who write.
  bool settles = true;
  /// How long files that are not durable yet may gather.
  std::chrono::milliseconds settle_pause{1'000};
  /// Empty: the operating system's files.
  std::string vfs = {};
};

using TransactionResult = std::variant<std::vector<LoadedTable>, Conflict, Unknown>;

class MetadataLog;

/// Iceberg's SQL catalogue in a SQLite file, which pyiceberg (`sqlite:///...`) and Java's JdbcCatalog open as well,
/// also while this program runs. A commit writes new metadata beside the old and then compares and swaps the location
/// in one row; the file's locks decide between processes. Thread-safe. Borrows the store and the clock.
class SqlCatalog final : public Catalog {
 public:
  /// Error kConfig or kStop, in one sentence, for a file that is no such catalogue or of a newer layout.
  SqlCatalog(const SqlCatalogOptions& options, io::ObjectStore& store, const Clock& clock = Clock::System(),
             Random random = Random::FromSystem());
  ~SqlCatalog() override;

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
  const SqlCatalogOptions& options() const { return options_; }

  /// Beyond the port, for those that the catalogue is served to.
  ///
  /// All commits or none, decided by one transaction. One that requires that its table is not there makes it, of the
  /// updates alone.
  TransactionResult CommitAll(const std::vector<TableCommit>& commits);
  /// As Commit. Calls for one table that come while another one writes wait for it and then share one new version: each
  /// is decided for itself, in turn, on what those before it made, and what it returns has the changes of all.
  CommitResult CommitBeside(const TableCommit& commit);
  /// The metadata file of a version that this object wrote, as it is; null when it is not in memory.
  std::shared_ptr<const std::string> TextOf(const LoadedTable& table) { return cache_.TextOf(table.metadata_location); }
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
  /// How a new metadata file becomes durable: by itself before the commit, or with the commit (MetadataLog).
  enum class Durable { kByItself, kWithCommit };
  /// New metadata that is written and that no table names yet.
  struct Prepared {
    SqlTables::Move move;
    LoadedTable made;
    std::shared_ptr<const std::string> text;
    std::vector<std::string> expired;
  };
  /// New metadata of tables that one transaction names.
  struct PreparedAll {
    std::vector<SqlTables::Move> moves;
    std::vector<LoadedTable> made;
    std::vector<std::shared_ptr<const std::string>> texts;  // of `made`
    std::vector<std::string> expired;
    void Add(Prepared one);
  };
  std::variant<Prepared, Conflict> Prepare(const TableCommit& commit, Durable durable);
  /// Writes `next` beside `base` (null: the first version).
  Prepared WriteNext(const TableName& name, const LoadedTable* base, NextMetadata next, Durable durable);
  TransactionResult Decide(const std::vector<TableCommit>& commits, Durable durable);
  TransactionResult DecideLocked(const std::vector<TableCommit>& commits, Durable durable);
  struct Turn;
  void DecideTogether(const std::vector<Turn*>& turns);
  /// How sure it is that `base` is what the table's row says.
  enum class Seen { kNow, kBefore };
  /// False when a turn that was decided on what was seen before may have been decided wrongly: nothing is then done.
  bool DecideOn(const LoadedTable& base, Seen seen, const std::vector<Turn*>& turns);
  /// As this object left it, without a look at the catalogue: its row has the last word when it is moved.
  std::optional<LoadedTable> LoadLeft(const TableName& name);
  std::string FreshUuid();
  /// Moves the rows of the tables, all or none, and cleans up after it, as Finish.
  TransactionResult Swap(PreparedAll prepared);
  /// Turns the outcome of the rows' change into that of the commit, and cleans up after one that did not happen.
  TransactionResult Finish(SqlTables::Outcome outcome, std::vector<LoadedTable> made, const std::string& refused);

  const SqlCatalogOptions options_;
  SqlTables tables_;
  io::ObjectStore& store_;
  const Clock& clock_;
  MetadataCache cache_;
  std::mutex left_mutex_;
  std::map<TableName, std::string> left_;  // the locations that this object committed last
  /// Of the tables with one hash of their names.
  struct Turns {
    /// Of several who commit to one table here each finds what the one before made, and none writes metadata in vain.
    std::mutex mutex;
    std::mutex waiting_mutex;  // after mutex
    std::vector<Turn*> waiting;
  };
  Turns& TurnsOf(const TableName& name);
  std::array<Turns, 512> turns_;
  std::mutex random_mutex_;
  Random random_;
  std::unique_ptr<MetadataLog> log_;  // null: every file is durable by itself. The last: it uses the others
};

}  // namespace millrace::catalog
