#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "catalog/rest/rest_catalog.h"
#include "contract/catalog_contract.h"

namespace millrace::catalog {

/// What a server that takes commits to several tables at once does: all of them, or none.
inline void ExpectAllOrNone(RestCatalog& catalog) {
  const TableName one{"silver", "one"};
  const TableName other{"silver", "other"};
  ASSERT_TRUE(catalog.CommitsTogether());
  for (const auto& name : {one, other}) {
    ASSERT_TRUE(std::holds_alternative<Committed>(catalog.Create(ExampleTable(name))));
  }
  const auto set = [&](const TableName& name, const std::string& key, const std::string& uuid) {
    return TableCommit{name, {table::AssertTableUuid{uuid}}, {table::SetProperties{{{key, "v"}}}}};
  };
  const auto has = [&](const TableName& name, const std::string& key) {
    return catalog.Load(name)->metadata->properties.contains(key);
  };
  const auto uuid_of = [&](const TableName& name) { return catalog.Load(name)->metadata->table_uuid; };

  EXPECT_TRUE(std::holds_alternative<AllCommitted>(
      catalog.CommitAll({set(one, "both", uuid_of(one)), set(other, "both", uuid_of(other))})));
  EXPECT_TRUE(has(one, "both"));
  EXPECT_TRUE(has(other, "both"));

  // The second one is of another table than is there.
  EXPECT_TRUE(std::holds_alternative<Conflict>(
      catalog.CommitAll({set(one, "half", uuid_of(one)), set(other, "half", uuid_of(one))})));
  EXPECT_FALSE(has(one, "half"));
  EXPECT_FALSE(has(other, "half"));

  EXPECT_TRUE(std::holds_alternative<Conflict>(
      catalog.CommitAll({set(one, "half", uuid_of(one)), set({"silver", "nobody"}, "half", uuid_of(one))})));
  EXPECT_FALSE(has(one, "half"));
}

}  // namespace millrace::catalog
