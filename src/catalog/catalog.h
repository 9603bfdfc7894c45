#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "io/object_store.h"
#include "table/update.h"

namespace millrace::catalog {

/// "silver.users": the namespace may itself have dots; the name has none.
struct TableName {
  std::string name_space;
  std::string name;
  friend auto operator<=>(const TableName&, const TableName&) = default;
};
std::string ToString(const TableName& name);
/// Error kUsage unless "namespace.name", without slashes.
TableName ParseTableName(std::string_view text);

struct LoadedTable {
  TableName name;
  std::string metadata_location;
  std::shared_ptr<const table::TableMetadata> metadata;
  /// The same version of the same table.
  friend bool operator==(const LoadedTable& left, const LoadedTable& right) {
    return left.name == right.name && left.metadata_location == right.metadata_location;
  }
};

struct Committed {
  LoadedTable table;
};
/// A requirement did not hold, or another writer was faster: nothing was changed by this attempt.
struct Conflict {
  std::string why;
};
/// The answer is not known: it may have landed, or may land yet. Keep every file and read again.
struct Unknown {
  std::string why;
};
using CommitResult = std::variant<Committed, Conflict, Unknown>;

struct CreateTable {
  TableName name;
  schema::Schema schema;  // fields without ids get them
  table::PartitionSpec spec;
  table::SortOrder sort_order;
  std::map<std::string, std::string> properties;
  /// Empty: <warehouse>/<namespace>/<name>, with the uuid behind it when files of another table are there.
  std::string location;
};

/// Where tables are found and their commits are decided. Thread-safe. One attempt a call: nothing retries underneath.
class Catalog {
 public:
  virtual ~Catalog() = default;

  virtual void EnsureNamespace(const std::string& name_space) = 0;
  virtual std::vector<std::string> ListNamespaces() = 0;
  virtual std::vector<TableName> ListTables(const std::string& name_space) = 0;

  /// nullopt when there is no such table.
  virtual std::optional<LoadedTable> Load(const TableName& name) = 0;
  /// Conflict when it exists.
  virtual CommitResult Create(const CreateTable& request) = 0;
  virtual CommitResult Commit(const TableName& name, const std::vector<table::Requirement>& requirements,
                              const std::vector<table::Update>& updates) = 0;
  /// Forgets the table; its files stay. False when there was none.
  virtual bool Drop(const TableName& name) = 0;
  virtual void Rename(const TableName& from, const TableName& to) = 0;

  /// The store that holds a table's files, and the keys below which it puts them.
  virtual io::ObjectStore& store() = 0;
};

}  // namespace millrace::catalog
