#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "catalog/rest/rest_connection.h"
#include "catalog/rest/rest_options.h"
#include "catalog/rest/vended_credentials.h"
#include "catalog/transaction.h"

namespace millrace::catalog {

/// A catalogue behind Iceberg's REST protocol (open-api/rest-catalog-open-api.yaml). The server decides: it checks the
/// requirements, writes the metadata, may give other field ids and locations than were asked for; what counts is what
/// it answers. Answers of a commit: 200 Committed, 409 Conflict, 429 Conflict (not processed), every 5xx and no answer
/// Unknown. Views are not seen. Thread-safe; borrows the store and the clock.
class RestCatalog final : public Catalog {
 public:
  /// `store` holds the files of the tables; `vended`, where given, gets the credentials that answers bring, for it to
  /// use. Errors as of RestConnection.
  RestCatalog(const RestCatalogOptions& options, io::ObjectStore& store, const Clock& clock = Clock::System(),
              std::shared_ptr<VendedCredentials> vended = nullptr);
  ~RestCatalog() override;

  /// Makes the namespaces above it too.
  void EnsureNamespace(const std::string& name_space) override;
  /// Those whose levels have no dots, which have no name here otherwise.
  std::vector<std::string> ListNamespaces() override;
  std::vector<TableName> ListTables(const std::string& name_space) override;
  /// Error kStop for a table whose files are outside the store.
  std::optional<LoadedTable> Load(const TableName& name) override;
  CommitResult Create(const CreateTable& request) override;
  CommitResult Commit(const TableName& name, const std::vector<table::Requirement>& requirements,
                      const std::vector<table::Update>& updates) override;
  bool Drop(const TableName& name) override;
  void Rename(const TableName& from, const TableName& to) override;
  io::ObjectStore& store() override { return store_; }

  /// Beyond the port.
  ///
  /// Whether the server lists commits to several tables at once.
  bool CommitsTogether() const;
  /// All of the commits or none, as far as the server keeps its word. It says nothing of the tables that it made: load
  /// them. One attempt; Error kConfig where CommitsTogether is false.
  AllResult CommitAll(const std::vector<TableCommit>& commits);
  /// False when there is none; an error when something is in it.
  bool DropNamespace(const std::string& name_space);

 private:
  std::string TablePath(const TableName& name) const;
  /// Visits the pages of a listing; `path` may have a query already.
  template <typename Visit>
  void ForEachPage(const std::string& path, const char* doing, Visit visit);
  void ListBelow(const std::string& parent, int depth, std::vector<std::string>& found);
  /// A request that changes `what`: the answer of success, or what any other, or none, says about it.
  std::variant<io::HttpResponse, Conflict, Unknown> Ask(const std::string& what, const std::string& path,
                                                        const std::string& body);
  CommitResult Change(const TableName& name, const std::string& path, const std::string& body);
  LoadedTable ParseTable(const TableName& name, const std::string& body);
  std::vector<StorageCredential> AskCredentials(const TableName& name);

  RestConnection connection_;
  io::ObjectStore& store_;
  const Clock& clock_;
  const std::shared_ptr<VendedCredentials> vended_;
};

}  // namespace millrace::catalog
