#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "catalog/sql/sql_catalog.h"
#include "io/local_object_store.h"
#include "judge/python.h"
#include "query/engine.h"
#include "query/printer.h"

namespace millrace::query {

/// A lake that pyiceberg made, once for all tests; tests that change it have their own table in it.
class TestLake : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new judge::Folder;
    judge::Python("query_lake.py", "make " + folder_->path().string());
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  TestLake()
      : store_(io::LocalObjectStore::Open(folder_->path() / "wh")),
        catalog_({.file = folder_->path() / "catalog.db"}, *store_),
        engine_(catalog_, {.spill_directory = folder_->File("spill")}) {}

  std::string Ask(const std::string& sql, const QueryOptions& options = {}) {
    std::ostringstream out;
    const auto result = engine_.Run(sql, options, {});
    Print(*result, OutputFormat::kJsonLines, {}, out);
    scans_ = result->scans();
    return out.str();
  }

  std::string ErrorOf(const std::string& sql, const QueryOptions& options = {}) {
    try {
      Ask(sql, options);
    } catch (const Error& error) {
      return std::string(ToString(error.code())) + ": " + error.what();
    }
    return "no error";
  }

  void ExpectEqualToPyiceberg(const std::string& table) {
    const auto file = folder_->File("rows.arrow");
    {
      std::ofstream out(file, std::ios::binary);
      Print(*engine_.Run("SELECT * FROM " + table, {}, {}), OutputFormat::kArrow, {}, out);
    }
    judge::Python("query_lake.py", fmt::format("equal {} {} {}", folder_->path().string(), table, file));
  }

  static inline judge::Folder* folder_ = nullptr;
  std::unique_ptr<io::LocalObjectStore> store_;
  catalog::SqlCatalog catalog_;
  Engine engine_;
  std::vector<ScanReport> scans_;
};

}  // namespace millrace::query
