#include "catalog/sql/sql_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <latch>
#include <thread>
#include <vector>

#include "base/error.h"
#include "catalog/fault_catalog.h"
#include "catalog/sql/sql_tables.h"
#include "contract/catalog_contract.h"
#include "io/fault_store.h"
#include "io/local_object_store.h"
#include "judge/python.h"

namespace millrace::catalog {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class Lake : public CatalogFixture {
 public:
  Lake() : store_(io::LocalObjectStore::Open(folder_.path() / "warehouse")), catalog_(Options(), *store_) {}

  Catalog& catalog() override { return catalog_; }
  std::unique_ptr<Catalog> Reopen() override { return std::make_unique<SqlCatalog>(Options(), *store_); }

  SqlCatalogOptions Options() const {
    return {.file = folder_.path() / "catalog.db", .lock_wait = std::chrono::seconds(60)};
  }
  io::ObjectStore& store() { return *store_; }
  const judge::Folder& folder() const { return folder_; }
  std::string JudgeArguments() const { return folder_.File("catalog.db") + " " + folder_.File("warehouse"); }

  void Sql(const std::string& sql) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(Options().file.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

  std::vector<std::string> MetadataFiles() {
    std::vector<std::string> keys;
    store_->List("", "", [&](const io::ObjectInfo& info) {
      if (info.key.ends_with(".metadata.json")) keys.push_back(info.key);
      return true;
    });
    return keys;
  }

 private:
  judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_;
  SqlCatalog catalog_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Sql, CatalogContract, Lake);

const TableName kName{"silver", "users"};

LoadedTable Make(Lake& lake) { return std::get<Committed>(lake.catalog().Create(ExampleTable(kName))).table; }

CommitResult Set(Catalog& catalog, const std::string& key, const std::string& value) {
  return catalog.Commit(kName, {}, {table::SetProperties{{{key, value}}}});
}

TEST(SqlCatalogTest, PyicebergOpensTheSameFile) {
  Lake lake;
  const LoadedTable made = Make(lake);
  Set(lake.catalog(), "owner", "somebody");
  EXPECT_EQ(judge::Python("catalogs.py", "show " + lake.JudgeArguments()),
            "silver.users|" + made.metadata->table_uuid +
                "|['1:id:long:True', '2:at:timestamptz:False', '3:device:struct<4: os: optional string>:False']"
                "|['at_day:day']|['1:identity:ASC']|somebody|0\n");
}

TEST(SqlCatalogTest, PyicebergAndThisProgramCommitInTurn) {
  Lake lake;
  std::string uuid = judge::Python("catalogs.py", "make " + lake.JudgeArguments());
  uuid.pop_back();
  const TableName name{"judge", "made"};
  const auto loaded = lake.catalog().Load(name);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->metadata->table_uuid, uuid);
  EXPECT_EQ(loaded->metadata->current_snapshot()->summary.at("total-records"), "2");
  ASSERT_TRUE(
      std::holds_alternative<Committed>(lake.catalog().Commit(name, {}, {table::SetProperties{{{"owner", "us"}}}})));
  judge::Python("catalogs.py", "append " + lake.JudgeArguments() + " judge.made");
  const auto again = lake.catalog().Load(name);
  EXPECT_EQ(again->metadata->properties.at("owner"), "us");
  EXPECT_EQ(again->metadata->current_snapshot()->summary.at("total-records"), "3");
  EXPECT_EQ(again->metadata->metadata_log.size(), 3U);
  EXPECT_THAT(judge::Python("catalogs.py", "show " + lake.JudgeArguments()), HasSubstr("|us|3\n"));
}

TEST(SqlCatalogTest, AFileOfAnOlderPyicebergWorksAsItIs) {
  const judge::Folder folder;
  judge::Python("catalogs.py", "v0 " + folder.File("c.db"));
  const auto store = io::LocalObjectStore::Open(folder.path() / "w");
  SqlCatalog catalog({.file = folder.File("c.db")}, *store);
  ASSERT_TRUE(std::holds_alternative<Committed>(catalog.Create(ExampleTable(kName))));
  ASSERT_TRUE(std::holds_alternative<Committed>(Set(catalog, "owner", "old")));
  EXPECT_THAT(judge::Python("catalogs.py", "show " + folder.File("c.db") + " " + folder.File("w")),
              HasSubstr("|old|0\n"));
}

TEST(SqlCatalogTest, ViewsAreNoTables) {
  Lake lake;
  Make(lake);
  lake.Sql("INSERT INTO iceberg_tables VALUES ('millrace', 'silver', 'v', 'file:///v.json', NULL, 'VIEW')");
  lake.Sql("INSERT INTO iceberg_tables VALUES ('other', 'silver', 'x', 'file:///x.json', NULL, 'TABLE')");
  EXPECT_EQ(lake.catalog().ListTables("silver"), std::vector{kName});
  EXPECT_EQ(lake.catalog().Load({"silver", "v"}), std::nullopt);
  EXPECT_TRUE(std::holds_alternative<Conflict>(lake.catalog().Create(ExampleTable({"silver", "v"}))));
  EXPECT_FALSE(lake.catalog().Drop({"silver", "v"}));
}

TEST(SqlCatalogTest, FilesOutsideTheWarehouseAreRefused) {
  Lake lake;
  Make(lake);
  CreateTable outside = ExampleTable({"silver", "outside"});
  outside.location = "file:///etc/x";
  EXPECT_THAT([&] { lake.catalog().Create(outside); }, ThrowsMessage<Error>(HasSubstr("outside the warehouse")));
  lake.Sql("UPDATE iceberg_tables SET metadata_location = '" + lake.store().UriOf("a") + "/../../../etc/passwd'");
  EXPECT_THAT([&] { lake.catalog().Load(kName); }, ThrowsMessage<Error>(HasSubstr("table silver.users: ")));
  EXPECT_THAT([&] { lake.catalog().Load(kName); }, ThrowsMessage<Error>(HasSubstr("outside the warehouse")));
}

TEST(SqlCatalogTest, ATableWhoseLocationIsOutsideIsRefused) {
  Lake lake;
  const LoadedTable made = Make(lake);
  table::TableMetadata metadata = *made.metadata;
  metadata.location = "file:///elsewhere/users";
  lake.store().PutIfAbsent("moved.metadata.json", table::PrintMetadata(metadata));
  lake.Sql("UPDATE iceberg_tables SET metadata_location = '" + lake.store().UriOf("moved.metadata.json") + "'");
  EXPECT_THAT([&] { lake.catalog().Load(kName); },
              ThrowsMessage<Error>(HasSubstr("file:///elsewhere/users is outside the warehouse")));
}

/// Two tables in one folder would clean up each other's files.
TEST(SqlCatalogTest, ATableNeverSharesTheFolderOfOneThatWasRenamedOrDropped) {
  Lake lake;
  EXPECT_EQ(Make(lake).metadata->location, lake.store().UriOf("silver/users"));
  lake.catalog().Rename(kName, {"silver", "people"});
  const LoadedTable second = Make(lake);
  EXPECT_EQ(second.metadata->location, lake.store().UriOf("silver/users-" + second.metadata->table_uuid));
  EXPECT_EQ(lake.catalog().Load({"silver", "people"})->metadata->location, lake.store().UriOf("silver/users"));
}

TEST(SqlCatalogTest, AnotherKindOfFileGivesOneSentence) {
  const judge::Folder folder;
  const auto store = io::LocalObjectStore::Open(folder.path() / "w");
  const auto open = [&](const char* file) {
    return [&store, path = folder.File(file)] { SqlCatalog({.file = path}, *store); };
  };
  judge::Spill(folder.File("text.db"), std::string(4096, 'x'));
  EXPECT_THAT(open("text.db"), ThrowsMessage<Error>(HasSubstr("is no SQLite file; give the catalogue another path")));
  EXPECT_THAT(open("no/such/folder.db"), ThrowsMessage<Error>(HasSubstr("cannot be opened or made")));
  const auto with = [&](const char* file, const char* sql) {
    sqlite3* db = nullptr;
    sqlite3_open(folder.File(file).c_str(), &db);
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
    return open(file);
  };
  EXPECT_THAT(with("foreign.db", "CREATE TABLE iceberg_tables (a INT)"),
              ThrowsMessage<Error>(HasSubstr("is no Iceberg SQL catalogue")));
  EXPECT_THAT(with("newer.db",
                   "CREATE TABLE iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, "
                   "previous_metadata_location, iceberg_type, branch TEXT NOT NULL)"),
              ThrowsMessage<Error>(HasSubstr("was laid out by a newer program (its column branch is not known here)")));
}

TEST(SqlCatalogTest, MetadataLogIsCappedAndOldFilesGoWhenTheTableSaysSo) {
  Lake lake;
  Make(lake);
  Set(lake.catalog(), "write.metadata.previous-versions-max", "2");
  for (int i = 0; i < 4; ++i) Set(lake.catalog(), "k", std::to_string(i));
  EXPECT_EQ(lake.catalog().Load(kName)->metadata->metadata_log.size(), 2U);
  EXPECT_EQ(lake.MetadataFiles().size(), 6U);
  Set(lake.catalog(), "write.metadata.delete-after-commit.enabled", "true");
  Set(lake.catalog(), "k", "last");
  const auto loaded = lake.catalog().Load(kName);
  EXPECT_THAT(loaded->metadata_location, HasSubstr("/metadata/00007-"));
  for (const auto& entry : loaded->metadata->metadata_log)
    EXPECT_TRUE(lake.store().Get(*lake.store().KeyOf(entry.metadata_file)));
  EXPECT_EQ(lake.MetadataFiles().size(), 6U);
}

TEST(SqlCatalogTest, ALoserLeavesNoMetadataFile) {
  Lake lake;
  Make(lake);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(lake.Options().file.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  SqlCatalog hasty({.file = lake.Options().file, .lock_wait = std::chrono::milliseconds(1)}, lake.store());
  const auto result = Set(hasty, "k", "v");
  sqlite3_close(other);
  ASSERT_TRUE(std::holds_alternative<Conflict>(result));
  EXPECT_THAT(std::get<Conflict>(result).why, HasSubstr("locked by another program"));
  EXPECT_EQ(lake.MetadataFiles().size(), 1U);
}

TEST(SqlCatalogTest, ManyMakeTheFileAtOnce) {
  for (int round = 0; round < 10; ++round) {
    const judge::Folder folder;
    std::latch start(4);
    std::vector<std::jthread> makers;
    for (int maker = 0; maker < 4; ++maker) {
      makers.emplace_back([&] {
        start.arrive_and_wait();
        EXPECT_NO_THROW(SqlTables(folder.path() / "catalog.db", "lake", std::chrono::seconds(60)));
      });
    }
  }
}

TEST(SqlCatalogTest, AStoreThatFailsChangesNothing) {
  Lake lake;
  const LoadedTable made = Make(lake);
  io::FaultStore store(lake.store());
  SqlCatalog catalog(lake.Options(), store);
  store.Inject({.call = io::StoreCall::kPut});
  EXPECT_THROW(Set(catalog, "k", "v"), Error);
  EXPECT_EQ(store.fired(), 1);
  EXPECT_EQ(catalog.Load(kName)->metadata_location, made.metadata_location);
}

TEST(FaultCatalogTest, DoesWhatIsAsked) {
  Lake lake;
  Make(lake);
  FaultCatalog catalog(lake.catalog());
  const auto property = [&] {
    const auto properties = lake.catalog().Load(kName)->metadata->properties;
    return properties.contains("k") ? properties.at("k") : "";
  };
  using Effect = CatalogFault::Effect;
  catalog.Inject({.effect = Effect::kLoseRequest});
  EXPECT_TRUE(std::holds_alternative<Unknown>(Set(catalog, "k", "1")));
  EXPECT_EQ(property(), "");
  catalog.Inject({.effect = Effect::kLoseAnswer});
  EXPECT_TRUE(std::holds_alternative<Unknown>(Set(catalog, "k", "2")));
  EXPECT_EQ(property(), "2");
  catalog.Inject({.effect = Effect::kLandLate});
  EXPECT_TRUE(std::holds_alternative<Unknown>(Set(catalog, "k", "3")));
  EXPECT_EQ(property(), "2");
  EXPECT_TRUE(std::holds_alternative<Committed>(catalog.LandLate().at(0)));
  EXPECT_EQ(property(), "3");
  catalog.Inject({.effect = Effect::kFail});
  EXPECT_THROW(Set(catalog, "k", "4"), Error);
  catalog.Inject({.call = CatalogCall::kLoad, .skip = 1});
  EXPECT_TRUE(catalog.Load(kName));
  EXPECT_THROW(catalog.Load(kName), Error);
  EXPECT_EQ(catalog.fired(), 5);
  EXPECT_TRUE(std::holds_alternative<Committed>(Set(catalog, "k", "5")));
}

TEST(TableNameTest, HasANamespace) {
  EXPECT_EQ(ParseTableName("silver.users"), (TableName{"silver", "users"}));
  EXPECT_EQ(ParseTableName("a.b.c"), (TableName{"a.b", "c"}));
  for (const char* wrong : {"", "users", ".users", "silver.", "a..b", "a/b.c"})
    EXPECT_THROW(ParseTableName(wrong), Error) << wrong;
}

}  // namespace
}  // namespace millrace::catalog
