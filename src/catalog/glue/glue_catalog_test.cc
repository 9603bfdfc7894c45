#include "catalog/glue/glue_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "contract/catalog_contract.h"
#include "io/local_object_store.h"
#include "judge/python.h"
#include "services/glue_server.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::ThrowsMessage;

class GlueLake : public CatalogFixture {
 public:
  explicit GlueLake(std::string endpoint = "") : endpoint_(std::move(endpoint)) {}

  Catalog& catalog() override {
    if (!catalog_) {
      services::EmptyGlue();
      catalog_ = Reopen();
    }
    return *catalog_;
  }
  std::unique_ptr<Catalog> Reopen() override {
    if (!store_) store_ = io::LocalObjectStore::Open(folder_.path());
    const auto& endpoint = endpoint_.empty() ? services::GlueEndpoint() : endpoint_;
    return std::make_unique<GlueCatalog>(services::GlueAt(endpoint), *store_);
  }
  std::string Lacks() const override { return services::GlueLacks(); }
  bool HasLevels() const override { return false; }

  size_t MetadataFiles() const {
    size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path()))
      if (entry.path().string().ends_with(".metadata.json")) ++files;
    return files;
  }

 private:
  const std::string endpoint_;
  judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_;
  std::unique_ptr<Catalog> catalog_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Glue, CatalogContract, GlueLake);

const TableName kName{"silver", "users"};

LoadedTable Make(Catalog& catalog) { return std::get<Committed>(catalog.Create(ExampleTable(kName))).table; }

CommitResult Set(Catalog& catalog, const std::string& key, const std::string& value) {
  return catalog.Commit(kName, {}, {table::SetProperties{{{key, value}}}});
}

class GlueCatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!services::GlueLacks().empty()) GTEST_SKIP() << services::GlueLacks();
  }
  /// Glue's own word for the table.
  static json Entry() {
    return GlueClient(services::GlueAt(services::GlueEndpoint()))
        .Ask("GetTable", {{"DatabaseName", "silver"}, {"Name", "users"}}, "looking")
        .value()
        .at("Table");
  }
  static std::string Judge(const std::string& words) {
    const auto verb = words.substr(0, words.find(' '));
    return judge::Python("catalogs.py", verb + " glue=" + services::GlueEndpoint() + " -" + words.substr(verb.size()));
  }
};

TEST_F(GlueCatalogTest, PyicebergSeesTheSameTable) {
  GlueLake lake;
  const LoadedTable made = Make(lake.catalog());
  Set(lake.catalog(), "owner", "somebody");
  EXPECT_EQ(Judge("show"), "silver.users|" + made.metadata->table_uuid +
                               "|['1:id:long:True', '2:at:timestamptz:False', '3:device:struct<4: os: optional "
                               "string>:False']|['at_day:day']|['1:identity:ASC']|somebody|0\n");
}

TEST_F(GlueCatalogTest, PyicebergAndThisProgramCommitInTurn) {
  GlueLake lake;
  lake.catalog().EnsureNamespace("judge");  // it says where tables lie
  std::string uuid = Judge("make");
  uuid.pop_back();
  const TableName name{"judge", "made"};
  const auto first = lake.catalog().Load(name);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->metadata->table_uuid, uuid);
  EXPECT_EQ(first->metadata->snapshots.size(), 1U);
  const auto result = lake.catalog().Commit(name, {table::AssertTableUuid{uuid}}, {table::SetProperties{{{"k", "v"}}}});
  ASSERT_TRUE(std::holds_alternative<Committed>(result));
  const auto appended = Judge("append judge.made");
  const auto last = lake.catalog().Load(name);
  EXPECT_EQ(last->metadata_location + "\n", appended);
  EXPECT_EQ(last->metadata->snapshots.size(), 2U);
  EXPECT_EQ(last->metadata->properties.at("k"), "v");
}

TEST_F(GlueCatalogTest, TheEntrySaysWhatEnginesReadAndKeepsWhatOthersWrote) {
  GlueLake lake;
  const auto made = Make(lake.catalog());
  auto input = Entry();
  EXPECT_EQ(input.at("TableType"), "EXTERNAL_TABLE");
  EXPECT_EQ(input.at("Parameters"), json({{"table_type", "ICEBERG"}, {"metadata_location", made.metadata_location}}));
  for (const char* member : {"DatabaseName", "CreateTime", "VersionId", "CatalogId"}) input.erase(member);
  input["Owner"] = "analytics";
  input["Parameters"]["classification"] = "iceberg";
  GlueClient client(services::GlueAt(services::GlueEndpoint()));
  client.Change("UpdateTable", {{"DatabaseName", "silver"}, {"TableInput", input}}, "tagging");

  schema::Schema grown = made.metadata->schema();
  grown.schema_id = 1;
  grown.fields.erase(grown.fields.begin());
  grown.fields.push_back({.id = schema::FieldId(5),
                          .name = "amounts",
                          .type = schema::ParseType("list<decimal(9, 2)>"),
                          .doc = std::string(254, 'a') + "ü"});
  const auto result = lake.catalog().Commit(
      kName, {}, {table::AddSchema{grown}, table::SetCurrentSchema{}, table::SetProperties{{{"comment", "people"}}}});
  ASSERT_TRUE(std::holds_alternative<Committed>(result));
  const auto entry = Entry();
  EXPECT_EQ(entry.at("Owner"), "analytics");
  EXPECT_EQ(entry.at("Description"), "people");
  EXPECT_EQ(entry.at("Parameters"), json({{"table_type", "ICEBERG"},
                                          {"classification", "iceberg"},
                                          {"metadata_location", std::get<Committed>(result).table.metadata_location},
                                          {"previous_metadata_location", made.metadata_location}}));
  EXPECT_EQ(entry.at("StorageDescriptor").at("Location"), made.metadata->location);
  std::vector<std::string> columns;
  for (const auto& column : entry.at("StorageDescriptor").at("Columns")) {
    const auto& parameters = column.at("Parameters");
    columns.push_back(column.at("Name").get<std::string>() + " " + column.at("Type").get<std::string>() + " " +
                      parameters.at("iceberg.field.id").get<std::string>() + " " +
                      parameters.at("iceberg.field.current").get<std::string>());
  }
  EXPECT_THAT(columns, testing::ElementsAre("at timestamp 2 true", "device struct<os:string> 3 true",
                                            "amounts array<decimal(9,2)> 5 true", "id bigint 1 false"));
  EXPECT_EQ(entry.at("StorageDescriptor").at("Columns").at(2).at("Comment"), std::string(254, 'a'));
}

TEST_F(GlueCatalogTest, TablesThatAreNotIcebergsAreNotTouched) {
  GlueLake lake;
  lake.catalog().EnsureNamespace("silver");
  GlueClient client(services::GlueAt(services::GlueEndpoint()));
  client.Change("CreateTable", {{"DatabaseName", "silver"}, {"TableInput", {{"Name", "users"}}}}, "making");
  const json elsewhere = {{"Name", "elsewhere"},
                          {"Parameters", {{"table_type", "ICEBERG"}, {"metadata_location", "s3://b/t/metadata/m"}}},
                          {"StorageDescriptor", {{"Location", "s3://b/t"}}}};
  client.Change("CreateTable", {{"DatabaseName", "silver"}, {"TableInput", elsewhere}}, "making");
  EXPECT_THAT(lake.catalog().ListTables("silver"), testing::IsEmpty());
  EXPECT_THAT([&] { lake.catalog().Load(kName); }, ThrowsMessage<Error>(HasSubstr("is not Iceberg's")));
  EXPECT_TRUE(std::holds_alternative<Conflict>(lake.catalog().Create(ExampleTable(kName))));
}

TEST_F(GlueCatalogTest, NamesThatEnginesDoNotTakeAreRefused) {
  GlueLake lake;
  for (const auto& name : {TableName{"silver", "Users"}, TableName{"web-shop", "users"}, TableName{"a.b", "users"}})
    EXPECT_THAT([&] { lake.catalog().Create(ExampleTable(name)); }, ThrowsMessage<Error>(HasSubstr("lower-case")));
  EXPECT_EQ(lake.MetadataFiles(), 0U);
}

/// Another server of the protocol, which overwrites: stock moto.
TEST_F(GlueCatalogTest, ACatalogueThatIgnoresVersionsIsRefused) {
  GlueLake lake(services::MotoEndpoint());
  EXPECT_THAT([&] { lake.Reopen()->Create(ExampleTable(kName)); },
              ThrowsMessage<Error>(HasSubstr("would overwrite each other's commits")));
}

/// The catalogue behind a proxy that does to the next commit what a test says.
class FaultyGlueLake : public GlueCatalogTest {
 protected:
  void SetUp() override {
    GlueCatalogTest::SetUp();
    if (IsSkipped()) return;
    proxy_ = std::make_unique<services::Service>("fault_proxy.py",
                                                 std::vector<std::string>{"http", services::GlueEndpoint().substr(7)});
    lake_ = std::make_unique<GlueLake>(proxy_->address());
    Make(lake_->catalog());
    Set(lake_->catalog(), "first", "v");
  }

  /// `skip` requests pass: a commit reads the table, then updates it.
  void Inject(const std::string& effect, int skip = 1) {
    io::HttpRequest request;
    request.method = "POST";
    request.url = proxy_->address() + "/__faults";
    const auto rule = json::parse(effect);
    auto whole = json{{"method", "POST"}, {"path", "/"}, {"skip", skip}};
    whole.update(rule);
    const auto body = whole.dump();
    request.body = body;
    ASSERT_LT(io::HttpClient().Send(request).status, 300);
  }
  static std::string Refused(int status, const std::string& code) {
    const json body = {{"__type", code}, {"message", "so it is"}};
    return json{{"effect", "status"}, {"status", status}, {"body", body.dump()}}.dump();
  }
  bool HasLanded(const std::string& key) { return lake_->catalog().Load(kName)->metadata->properties.contains(key); }

  std::unique_ptr<services::Service> proxy_;
  std::unique_ptr<GlueLake> lake_;
};

TEST_F(FaultyGlueLake, ALostAnswerIsUnknownAndItsFileStays) {
  Inject(R"({"effect": "lost"})");
  EXPECT_TRUE(std::holds_alternative<Unknown>(Set(lake_->catalog(), "lost", "v")));
  EXPECT_TRUE(HasLanded("lost"));
  Inject(R"({"effect": "answered", "status": 503})");
  EXPECT_TRUE(std::holds_alternative<Unknown>(Set(lake_->catalog(), "gateway", "v")));
  EXPECT_TRUE(HasLanded("gateway"));
  for (const auto& refusal : {Refused(500, "InternalServiceException"), Refused(400, "OperationTimeoutException")}) {
    const auto files = lake_->MetadataFiles();
    Inject(refusal);
    EXPECT_TRUE(std::holds_alternative<Unknown>(Set(lake_->catalog(), "k", "v"))) << refusal;
    EXPECT_EQ(lake_->MetadataFiles(), files + 1);
    EXPECT_FALSE(HasLanded("k"));
  }
}

TEST_F(FaultyGlueLake, ThrottlingIsWaitedOutAndNothingElseIsSentTwice) {
  Inject(Refused(400, "ThrottlingException"));
  EXPECT_TRUE(std::holds_alternative<Committed>(Set(lake_->catalog(), "throttled", "v")));
  const auto files = lake_->MetadataFiles();
  auto always = json::parse(Refused(400, "ThrottlingException"));
  always["times"] = 8;  // all attempts that one request has
  Inject(always.dump());
  EXPECT_TRUE(std::holds_alternative<Conflict>(Set(lake_->catalog(), "k", "v")));
  Inject(Refused(400, "ConcurrentModificationException"));
  EXPECT_TRUE(std::holds_alternative<Conflict>(Set(lake_->catalog(), "k", "v")));
  EXPECT_EQ(lake_->MetadataFiles(), files);
  EXPECT_FALSE(HasLanded("k"));
}

TEST_F(FaultyGlueLake, WhatIsRefusedIsOneSentenceAndAReadThatFailsIsNoTableThatIsGone) {
  const auto files = lake_->MetadataFiles();
  Inject(Refused(400, "AccessDeniedException"));
  EXPECT_THAT([&] { Set(lake_->catalog(), "k", "v"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("silver.users"), HasSubstr("grant it to them"))));
  EXPECT_EQ(lake_->MetadataFiles(), files);
  auto down = json::parse(Refused(503, "ServiceUnavailable"));
  down["times"] = 8;
  Inject(down.dump(), 0);
  try {
    lake_->catalog().Load(kName);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  }
}

}  // namespace
}  // namespace millrace::catalog
