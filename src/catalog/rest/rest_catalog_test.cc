#include "catalog/rest/rest_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "base/error.h"
#include "contract/catalog_contract.h"
#include "contract/transaction_contract.h"
#include "io/local_object_store.h"
#include "judge/python.h"
#include "services/service.h"

namespace millrace::catalog {
namespace {

using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::ThrowsMessage;

/// Apache's REST catalogue, started once; each fixture finds it empty.
class Server {
 public:
  static Server& Get() {
    static Server server;
    return server;
  }
  static std::string Lacks() {
    const bool here = std::filesystem::exists(std::string(MILLRACE_DEPS_DIR) + "/rest");
    return here ? "" : "no REST catalogue is here: run scripts/setup --servers";
  }
  const std::string& uri() const { return service_.address(); }
  std::filesystem::path warehouse() const { return folder_.path() / "warehouse"; }
  std::string PythonArguments() const { return uri() + " " + warehouse().string(); }

  /// The server keeps nothing but what is in this file.
  void Empty() const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(folder_.File("rest.db").c_str(), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10'000);
    const char* sql = "DELETE FROM iceberg_tables; DELETE FROM iceberg_namespace_properties";
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

 private:
  judge::Folder folder_;
  services::Service service_{"rest_catalog.py", {"serve", folder_.path(), "file://" + warehouse().string()}};
};

class RestLake : public CatalogFixture {
 public:
  explicit RestLake(std::string uri = "") : uri_(std::move(uri)) {}

  Catalog& catalog() override {
    if (!catalog_) {
      Server::Get().Empty();
      catalog_ = Reopen();
    }
    return *catalog_;
  }
  std::unique_ptr<Catalog> Reopen() override {
    if (!store_) store_ = io::LocalObjectStore::Open(Server::Get().warehouse());
    return std::make_unique<RestCatalog>(RestCatalogOptions{.uri = uri_.empty() ? Server::Get().uri() : uri_}, *store_);
  }
  std::string Lacks() const override { return Server::Lacks(); }

 private:
  const std::string uri_;
  std::unique_ptr<io::LocalObjectStore> store_;
  std::unique_ptr<Catalog> catalog_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Rest, CatalogContract, RestLake);

const TableName kName{"silver", "users"};

LoadedTable Make(Catalog& catalog) { return std::get<Committed>(catalog.Create(ExampleTable(kName))).table; }

CommitResult Set(Catalog& catalog, const std::string& key, const std::string& value) {
  return catalog.Commit(kName, {}, {table::SetProperties{{{key, value}}}});
}

class RestCatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!Server::Lacks().empty()) GTEST_SKIP() << Server::Lacks();
  }
};

TEST_F(RestCatalogTest, PyicebergSeesTheSameTable) {
  RestLake lake;
  const LoadedTable made = Make(lake.catalog());
  Set(lake.catalog(), "owner", "somebody");
  EXPECT_EQ(judge::Python("catalogs.py", "show " + Server::Get().PythonArguments()),
            "silver.users|" + made.metadata->table_uuid +
                "|['1:id:long:True', '2:at:timestamptz:False', '3:device:struct<4: os: optional string>:False']"
                "|['at_day:day']|['1:identity:ASC']|somebody|0\n");
}

TEST_F(RestCatalogTest, PyicebergAndThisProgramCommitInTurn) {
  RestLake lake;
  lake.catalog().ListNamespaces();
  std::string uuid = judge::Python("catalogs.py", "make " + Server::Get().PythonArguments());
  uuid.pop_back();
  const TableName name{"judge", "made"};
  const auto first = lake.catalog().Load(name);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->metadata->table_uuid, uuid);
  EXPECT_EQ(first->metadata->snapshots.size(), 1U);
  const auto result = lake.catalog().Commit(name, {table::AssertTableUuid{uuid}}, {table::SetProperties{{{"k", "v"}}}});
  ASSERT_TRUE(std::holds_alternative<Committed>(result));
  const auto appended = judge::Python("catalogs.py", "append " + Server::Get().PythonArguments() + " judge.made");
  const auto last = lake.catalog().Load(name);
  EXPECT_EQ(last->metadata_location + "\n", appended);
  EXPECT_EQ(last->metadata->snapshots.size(), 2U);
  EXPECT_EQ(last->metadata->properties.at("k"), "v");
}

TEST_F(RestCatalogTest, FieldIdsAreTheCatalogues) {
  RestLake lake;
  CreateTable request = ExampleTable(kName);
  // As they might come from another table: the catalogue counts from 1, and the partition follows its column.
  request.schema.fields.at(0).id = schema::FieldId(70);
  request.schema.fields.at(1).id = schema::FieldId(50);
  request.spec.fields.at(0).source_id = schema::FieldId(50);
  request.sort_order.fields.at(0).source_id = schema::FieldId(70);
  const auto made = std::get<Committed>(lake.catalog().Create(request)).table;
  const table::TableMetadata& metadata = *made.metadata;
  EXPECT_EQ(metadata.schema().Find("id")->id, schema::FieldId(1));
  EXPECT_EQ(metadata.spec().fields.at(0).source_id, metadata.schema().Find("at")->id);
  EXPECT_EQ(metadata.FindSortOrder(metadata.default_sort_order_id)->fields.at(0).source_id, schema::FieldId(1));
}

TEST_F(RestCatalogTest, ATableOutsideTheWarehouseStopsInOneSentence) {
  RestLake lake;
  const judge::Folder elsewhere;
  CreateTable request = ExampleTable(kName);
  request.location = "file://" + elsewhere.File("users");
  EXPECT_THAT([&] { lake.catalog().Create(request); }, ThrowsMessage<Error>(HasSubstr("is outside lake.warehouse")));
  EXPECT_THAT([&] { lake.catalog().Load(kName); }, ThrowsMessage<Error>(HasSubstr("is outside lake.warehouse")));
}

TEST_F(RestCatalogTest, CommitsToSeveralTablesAreAllOrNone) {
  RestLake lake;
  auto& catalog = static_cast<RestCatalog&>(lake.catalog());
  ExpectAllOrNone(catalog);
}

/// The catalogue behind a proxy that does to the next commit what a test says.
class FaultyRestLake : public RestCatalogTest {
 protected:
  void SetUp() override {
    RestCatalogTest::SetUp();
    if (IsSkipped()) return;
    proxy_ = std::make_unique<services::Service>("fault_proxy.py",
                                                 std::vector<std::string>{"http", Server::Get().uri().substr(7)});
    lake_ = std::make_unique<RestLake>(proxy_->address());
    Make(lake_->catalog());
  }

  void Inject(const std::string& rule) {
    io::HttpClient http;
    io::HttpRequest request;
    request.method = "POST";
    request.url = proxy_->address() + "/__faults";
    request.body = rule;
    ASSERT_LT(http.Send(request).status, 300);
  }
  bool HasLanded(const std::string& key) { return lake_->catalog().Load(kName)->metadata->properties.contains(key); }

  std::unique_ptr<services::Service> proxy_;
  std::unique_ptr<RestLake> lake_;
};

TEST_F(FaultyRestLake, EveryFiveHundredIsUnknown) {
  for (const char* status : {"500", "502", "503", "504"}) {
    Inject(std::string(R"({"method": "POST", "path": "/tables/users", "effect": "status", "status": )") + status + "}");
    EXPECT_TRUE(std::holds_alternative<Unknown>(Set(lake_->catalog(), status, "v"))) << status;
    EXPECT_FALSE(HasLanded(status));
  }
}

TEST_F(FaultyRestLake, AGatewayThatGaveUpAndALostAnswerAreUnknownAndLanded) {
  Inject(R"({"method": "POST", "path": "/tables/users", "effect": "answered", "status": 504})");
  EXPECT_TRUE(std::holds_alternative<Unknown>(Set(lake_->catalog(), "gateway", "v")));
  EXPECT_TRUE(HasLanded("gateway"));
  Inject(R"({"method": "POST", "path": "/tables/users", "effect": "lost"})");
  EXPECT_TRUE(std::holds_alternative<Unknown>(Set(lake_->catalog(), "lost", "v")));
  EXPECT_TRUE(HasLanded("lost"));
  Inject(R"({"method": "POST", "path": "/tables/users", "effect": "reset", "at": 20})");
  EXPECT_TRUE(std::holds_alternative<Unknown>(Set(lake_->catalog(), "reset", "v")));
  EXPECT_TRUE(HasLanded("reset"));
}

TEST_F(FaultyRestLake, ALostAnswerOfATransactionIsUnknown) {
  auto& catalog = static_cast<RestCatalog&>(lake_->catalog());
  Inject(R"({"method": "POST", "path": "/transactions/commit", "effect": "lost"})");
  const auto all = [&](const std::string& key) {
    return catalog.CommitAll({{kName, {}, {table::SetProperties{{{key, "v"}}}}}});
  };
  EXPECT_TRUE(std::holds_alternative<Unknown>(all("lost")));
  EXPECT_TRUE(HasLanded("lost"));
  Inject(R"({"method": "POST", "path": "/transactions/commit", "effect": "status", "status": 503})");
  EXPECT_TRUE(std::holds_alternative<Unknown>(all("gateway")));
  EXPECT_FALSE(HasLanded("gateway"));
}

TEST_F(FaultyRestLake, WhatWasNotProcessedIsBuiltAgain) {
  Inject(R"({"method": "POST", "path": "/tables/users", "effect": "status", "status": 429})");
  EXPECT_TRUE(std::holds_alternative<Conflict>(Set(lake_->catalog(), "k", "v")));
  EXPECT_FALSE(HasLanded("k"));
}

TEST_F(FaultyRestLake, WhatIsRefusedIsOneSentence) {
  const auto refusal = [&](const std::string& rest) {
    Inject(R"({"method": "POST", "path": "/tables/users", "effect": "status", )" + rest + "}");
    try {
      Set(lake_->catalog(), "k", "v");
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorCode::kInternal, "nothing was thrown");
  };
  EXPECT_EQ(refusal(R"("status": 401)").code(), ErrorCode::kConfig);
  EXPECT_EQ(refusal(R"("status": 400)").code(), ErrorCode::kStop);
  EXPECT_THAT(
      refusal(R"("status": 403, "body": "{\"error\": {\"message\": \"no way\", \"type\": \"x\", \"code\": 403}}")")
          .what(),
      AllOf(HasSubstr("silver.users"), HasSubstr("status 403, no way")));
}

TEST_F(FaultyRestLake, AReadThatFailsIsNotATableThatIsGone) {
  for (const char* fault : {R"("effect": "status", "status": 503)", R"("effect": "lost")"}) {
    Inject(std::string(R"({"method": "GET", "path": "/tables/users", )") + fault + "}");
    try {
      lake_->catalog().Load(kName);
      FAIL() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    }
  }
}

TEST_F(FaultyRestLake, ANamespaceIsMadeWhateverTheFirstAnswersSay) {
  Inject(R"({"method": "POST", "path": "/v1/namespaces$", "effect": "answered", "status": 500})");
  lake_->catalog().EnsureNamespace("made_all_the_same");
  Inject(R"({"method": "POST", "path": "/v1/namespaces$", "effect": "status", "status": 500})");
  lake_->catalog().EnsureNamespace("made_at_last");
  EXPECT_THAT(lake_->catalog().ListNamespaces(), IsSupersetOf<std::string>({"made_all_the_same", "made_at_last"}));
}

TEST_F(RestCatalogTest, NobodyThereIsOneSentence) {
  const judge::Folder folder;
  const auto store = io::LocalObjectStore::Open(folder.path());
  try {
    RestCatalog({.uri = "http://127.0.0.1:1"}, *store);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr("the REST catalogue at http://127.0.0.1:1 does not answer"));
  }
}

}  // namespace
}  // namespace millrace::catalog
