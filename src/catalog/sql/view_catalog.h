#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "catalog/sql/sql_catalog.h"
#include "catalog/sql/sql_views.h"
#include "table/view_update.h"

namespace millrace::catalog {

struct LoadedView {
  TableName name;
  std::string metadata_location;
  table::ViewMetadata metadata;
};
using ViewResult = std::variant<LoadedView, Conflict, Unknown>;

struct CreateView {
  TableName name;
  table::ViewSchema schema;
  table::ViewVersion version;
  std::map<std::string, std::string> properties;
  std::string location;  // empty: <warehouse>/<namespace>/<name>, with the uuid behind it when files are there
};

/// The views of a SQL catalogue. A commit writes new metadata beside the old and swaps the location in one row, as that
/// of a table does. Thread-safe. Borrows the store and the clock.
class ViewCatalog {
 public:
  /// Of a file that a SqlCatalog has opened.
  ViewCatalog(const SqlCatalogOptions& options, io::ObjectStore& store, const Clock& clock = Clock::System(),
              Random random = Random::FromSystem());

  bool CanHold() const { return views_.CanHold(); }
  bool Has(const TableName& name) { return views_.FindLocation(name).has_value(); }
  std::vector<std::string> List(const std::string& name_space) { return views_.List(name_space); }
  /// nullopt when there is no such view. Error kStop when its metadata is outside the warehouse or gone.
  std::optional<LoadedView> Load(const TableName& name);
  /// Conflict when a table or a view has the name.
  ViewResult Create(const CreateView& request);
  /// Several attempts: updates hold on whatever was there before, unless the view is another one than that of `uuid`
  /// (empty: any). Conflict then, and when there is none. Error kData for updates that cannot apply.
  ViewResult Commit(const TableName& name, const std::string& uuid, const std::vector<table::ViewUpdate>& updates);
  /// A view that is there as a file already. Conflict when the name is taken.
  ViewResult Register(const TableName& name, const std::string& metadata_location);
  /// False when there is no such view, or something has the new name. Error kUnavailable when it is not known.
  bool Rename(const TableName& from, const TableName& to);
  /// Forgets the view. False when there was none.
  bool Drop(const TableName& name);

 private:
  table::ViewMetadata Read(const std::string& location);
  /// Writes the metadata and keeps it by `keep`, which says what became of its row. nullopt: the row was not as
  /// expected.
  template <typename Keep>
  std::optional<ViewResult> Write(const TableName& name, const std::string& previous, table::ViewMetadata metadata,
                                  Keep keep);
  std::string FreshUuid();

  io::ObjectStore& store_;
  SqlViews views_;
  const Clock& clock_;
  std::mutex commits_;
  std::mutex random_mutex_;
  Random random_;
};

}  // namespace millrace::catalog
