#include "app/lake.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "base/nearest.h"
#include "catalog/sql/sql_catalog.h"
#include "io/local_object_store.h"

namespace millrace::app {
namespace {

constexpr int kWarehouseFormat = 1;  // frozen
constexpr const char* kWarehouseWord = "millrace warehouse";
/// Hidden, so that tools that list the warehouse see tables only.
constexpr const char* kWarehouseMarker = ".millrace-format";

}  // namespace

Lake OpenLake(const PipelineConfig& pipeline, const DataDirectory& directory) {
  Lake lake;
  auto store = io::LocalObjectStore::Open(pipeline.warehouse());
  EnsureFormat(store->root(), kWarehouseMarker, kWarehouseWord, kWarehouseFormat);
  lake.store = std::move(store);
  catalog::SqlCatalogOptions options;
  options.file = directory.catalog();
  lake.catalog = std::make_unique<catalog::SqlCatalog>(options, *lake.store);
  return lake;
}

Lake OpenLakeToRead(const PipelineConfig& pipeline, const DataDirectory& directory) {
  if (!std::filesystem::exists(directory.catalog()) || !std::filesystem::exists(pipeline.warehouse())) {
    throw Error(ErrorCode::kUnavailable,
                fmt::format("there are no tables in {} yet; `millrace run` makes them", directory.path().string()));
  }
  return OpenLake(pipeline, directory);
}

catalog::LoadedTable RequireTable(catalog::Catalog& catalog, const std::string& name) {
  if (auto loaded = catalog.Load(catalog::ParseTableName(name))) return *loaded;
  std::vector<std::string> names;
  for (const auto& table : AllTables(catalog)) names.push_back(catalog::ToString(table));
  throw Error(ErrorCode::kUsage, fmt::format("there is no table '{}'{}", name, Suggest(name, names)));
}

std::vector<catalog::TableName> AllTables(catalog::Catalog& catalog) {
  std::vector<catalog::TableName> tables;
  for (const auto& name_space : catalog.ListNamespaces()) {
    for (auto& table : catalog.ListTables(name_space)) tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace millrace::app
