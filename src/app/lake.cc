#include "app/lake.h"

#include <fmt/format.h>

#include <filesystem>

#include "app/glue_block.h"
#include "app/rest_lake.h"
#include "app/warehouse_store.h"
#include "base/error.h"
#include "base/nearest.h"
#include "io/unsynced_files.h"

namespace millrace::app {
namespace {

std::filesystem::path CatalogFile(const PipelineConfig& pipeline, const DataDirectory& directory) {
  if (pipeline.lake.catalog.sqlite) return pipeline.lake.catalog.sqlite->path.value;
  return directory.catalog();
}

using OpenStore = std::unique_ptr<io::ObjectStore> (*)(const PipelineConfig&, std::shared_ptr<io::PrefixCredentials>);

enum class LakeUse { kWrite, kLook };

Lake LakeOf(const PipelineConfig& pipeline, OpenStore open_store, const DataDirectory& directory, LakeUse use) {
  const auto& rest = pipeline.lake.catalog.rest;
  Lake lake;
  lake.vended = rest && rest->vended_credentials ? std::make_shared<catalog::VendedCredentials>() : nullptr;
  lake.store = open_store(pipeline, lake.vended);
  if (rest) {
    lake.catalog = OpenRestCatalog(*rest, *lake.store, lake.vended);
    return lake;
  }
  if (pipeline.lake.catalog.glue) {
    lake.catalog = OpenGlueCatalog(*pipeline.lake.catalog.glue, *lake.store);
    return lake;
  }
  catalog::SqlCatalogOptions options;
  options.file = CatalogFile(pipeline, directory);
  options.unsynced = dynamic_cast<io::UnsyncedFiles*>(lake.store.get());  // a folder
  options.settles = use == LakeUse::kWrite;
  auto own = std::make_unique<catalog::SqlCatalog>(options, *lake.store);
  lake.own = own.get();
  lake.catalog = std::move(own);
  return lake;
}

}  // namespace

Lake OpenLake(const PipelineConfig& pipeline, const DataDirectory& directory) {
  return LakeOf(pipeline, OpenWarehouseToWrite, directory, LakeUse::kWrite);
}

Lake OpenLakeToRead(const PipelineConfig& pipeline, const DataDirectory& directory) {
  const bool made = pipeline.lake.catalog.rest || pipeline.lake.catalog.glue ||
                    (std::filesystem::exists(CatalogFile(pipeline, directory)) && MayHaveWarehouse(pipeline));
  if (!made) {
    throw Error(ErrorCode::kUnavailable,
                fmt::format("there are no tables in {} yet; `millrace run` makes them", directory.path().string()));
  }
  return LakeOf(pipeline, OpenWarehouse, directory, LakeUse::kLook);
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
