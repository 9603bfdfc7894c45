#pragma once

#include <memory>

#include "app/config_model.h"
#include "app/data_directory.h"
#include "catalog/catalog.h"
#include "catalog/rest/vended_credentials.h"
#include "catalog/sql/sql_catalog.h"
#include "io/object_store.h"

namespace millrace::app {

/// The tables of a pipeline: a folder or bucket of files and the catalogue that says which of them count.
struct Lake {
  std::shared_ptr<catalog::VendedCredentials> vended;  // null: the store's own keys serve
  std::unique_ptr<io::ObjectStore> store;
  std::unique_ptr<catalog::Catalog> catalog;
  catalog::SqlCatalog* own = nullptr;  // the same, when it is this program's and can be served to others
};

/// Makes what is missing. Error kStop when the warehouse belongs to another version, or cannot be written, or is a
/// bucket that overwrites what is there.
Lake OpenLake(const PipelineConfig& pipeline, const DataDirectory& directory);

/// Error kUnavailable when nothing has landed yet.
Lake OpenLakeToRead(const PipelineConfig& pipeline, const DataDirectory& directory);

/// Error kUsage that names the nearest table.
catalog::LoadedTable RequireTable(catalog::Catalog& catalog, const std::string& name);

/// Every table of every namespace, by name.
std::vector<catalog::TableName> AllTables(catalog::Catalog& catalog);

}  // namespace millrace::app
