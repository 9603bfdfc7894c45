#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "catalog/sql/sql_catalog.h"
#include "contract/catalog_contract.h"
#include "io/local_object_store.h"
#include "judge/python.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;

/// Java's JdbcCatalog on the same file, also while this program has it open; once, because Spark takes its time to
/// start.
TEST(SqlCatalogSparkTest, SparkReadsCommitsAndCreatesInTheSameFile) {
  const judge::Folder folder;
  const auto store = io::LocalObjectStore::Open(folder.path() / "warehouse");
  SqlCatalog catalog({.file = folder.path() / "catalog.db"}, *store);
  const TableName name{"silver", "users"};
  catalog.EnsureNamespace("empty");
  ASSERT_TRUE(std::holds_alternative<Committed>(catalog.Create(ExampleTable(name))));
  ASSERT_TRUE(std::holds_alternative<Committed>(catalog.Commit(name, {}, {table::SetProperties{{{"k", "v"}}}})));

  const json results = json::parse(judge::Python(
      "../e2e/spark_read.py",
      "--catalog " + folder.File("catalog.db") + " --warehouse " +
          store->UriOf("x").substr(0, store->UriOf("x").size() - 2) +
          " 'SHOW NAMESPACES IN millrace' 'SHOW TABLES IN millrace.silver' 'DESCRIBE TABLE millrace.silver.users'"
          " \"INSERT INTO millrace.silver.users VALUES (7, timestamp'1969-12-31 23:00:00', named_struct('os', 'x')), "
          "(8, NULL, NULL)\""
          " 'SELECT id, device.os FROM millrace.silver.users ORDER BY id'"
          " \"CREATE TABLE millrace.silver.made (id BIGINT, note STRING) USING iceberg PARTITIONED BY (bucket(4, id)) "
          "LOCATION '" +
          store->UriOf("silver/made") + "'\" 'INSERT INTO millrace.silver.made VALUES (1, NULL)'"))["results"];
  EXPECT_EQ(results[0].size(), 2U) << results[0];
  EXPECT_EQ(results[1].at(0).at("tableName"), "users");
  EXPECT_EQ(results[2].at(1).at("data_type"), "timestamp");
  EXPECT_EQ(results[4], json::parse(R"([{"id": 7, "os": "x"}, {"id": 8, "os": null}])"));

  const auto users = catalog.Load(name);
  EXPECT_EQ(users->metadata->current_snapshot()->summary.at("total-records"), "2");
  EXPECT_EQ(users->metadata->properties.at("k"), "v");
  EXPECT_EQ(users->metadata->metadata_log.size(), 2U);
  ASSERT_TRUE(std::holds_alternative<Committed>(catalog.Commit(name, {}, {table::SetProperties{{{"k", "w"}}}})));
  const auto made = catalog.Load({"silver", "made"});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->metadata->spec().fields.at(0).name, "id_bucket");
  EXPECT_EQ(catalog.ListTables("silver").size(), 2U);
}

}  // namespace
}  // namespace millrace::catalog
