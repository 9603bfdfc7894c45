#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "catalog/sql/sql_catalog.h"
#include "io/local_object_store.h"
#include "land/judge.h"

namespace millrace::testing {

/// A lake in a folder: objects on local disk, the SQL catalogue beside them.
struct Lake {
  explicit Lake(const std::filesystem::path& folder)
      : store(io::LocalObjectStore::Open(folder / "lake")),
        catalog(
            std::make_unique<catalog::SqlCatalog>(catalog::SqlCatalogOptions{.file = folder / "catalog.db"}, *store)) {}
  std::unique_ptr<io::LocalObjectStore> store;
  std::unique_ptr<catalog::Catalog> catalog;
};

/// Columns of a table as pyiceberg reads them, a JSON value a row, sorted.
inline std::vector<nlohmann::json> ReadTable(const std::filesystem::path& folder, const std::string& table,
                                             std::vector<std::string> columns) {
  columns.insert(columns.begin(), {folder.string(), table});
  const Verdict verdict = Judge("read_table.py", columns);
  if (verdict.status != 0) throw std::runtime_error(verdict.said);
  std::vector<nlohmann::json> values;
  std::istringstream lines(verdict.said);
  for (std::string line; std::getline(lines, line);) values.push_back(nlohmann::json::parse(line));
  std::ranges::sort(values);
  return values;
}

}  // namespace millrace::testing
