#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"

namespace millrace::land {

/// What a table is to be. Partitions and order are those of new files from the next start on, files that are there stay
/// as they are; not declared, a table keeps what it has. Properties are given to a table that is made.
struct TableDeclaration {
  catalog::TableName name;
  std::optional<std::vector<std::string>> partition_by = std::nullopt;  // as table::ParsePartitionSpec reads them
  std::optional<std::vector<std::string>> sort_by = std::nullopt;
  std::map<std::string, std::string> properties = {};
  std::optional<int32_t> format_version = std::nullopt;  // a table of an older one is upgraded; of a newer one stays
  /// The spec without fields is kept beside the declared one, for deletes that reach all partitions.
  bool unpartitioned_spec = false;
  bool create = true;  // else a table that is not there is an Error kConfig
};

/// A table as all lanes see it at one moment. Immutable.
struct TableView {
  catalog::LoadedTable table;
  std::shared_ptr<arrow::Schema> columns;  // ToArrow's form of the current schema
};
using TableViewPtr = std::shared_ptr<const TableView>;

/// Who grows a table. Lanes that decoded columns it lacks come here; the first one commits them to the catalogue, the
/// others find them there. Ids come from the catalogue alone. Thread-safe.
class SchemaAuthority {
 public:
  SchemaAuthority(catalog::Catalog& catalog, TableDeclaration declaration, const Clock& clock);

  const catalog::TableName& name() const { return declaration_.name; }
  /// Reads the table again; null: there is none yet.
  TableViewPtr Refresh();
  /// As last seen.
  TableViewPtr view() const;
  /// A view of the table after somebody committed to it; older ones are ignored.
  void Saw(const catalog::LoadedTable& table);

  /// The table with at least the columns of `wanted`, made when there is none. A type that the table cannot take stays
  /// as the table has it. Error kConfig when the declared partitions, order or key do not fit the columns; kUnavailable
  /// when stopped.
  TableViewPtr Require(const arrow::Schema& wanted, std::stop_token stop);

  /// Gives a table that is there the declared partitions and order, for the files to come, and the declared format.
  /// Error kConfig when they do not fit its columns; kUnavailable when others change the table all the time.
  void Arrange();

 private:
  TableViewPtr Load();
  void Create(const arrow::Schema& wanted);

  catalog::Catalog& catalog_;
  const TableDeclaration declaration_;
  const Clock& clock_;
  std::mutex growing_;  // one commit at a time
  mutable std::mutex mutex_;
  TableViewPtr view_;
};

/// Whether rows of `rows` can be written to a table of `columns` as they are: each column is there, at every level,
/// with its type.
bool Fits(const arrow::Schema& rows, const arrow::Schema& columns);

}  // namespace millrace::land
