#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "catalog/rest/rest_catalog.h"
#include "catalog/server/catalog_routes.h"
#include "contract/catalog_contract.h"
#include "contract/transaction_contract.h"
#include "io/http_client.h"
#include "io/http_server.h"
#include "io/local_object_store.h"
#include "judge/python.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Optional;

/// A SQL catalogue and the server before it.
class Served {
 public:
  Served() {
    AddCatalogRoutes(routes_, catalog_, {.prefix = "/iceberg", .defaults = {{"client.region", "nowhere"}}});
    io::HttpServerOptions options;
    options.address = "127.0.0.1";
    server_ = std::make_unique<io::HttpServer>(options, routes_, nullptr, nullptr);
  }

  std::string uri() const { return "http://127.0.0.1:" + std::to_string(server_->port()) + "/iceberg"; }
  std::filesystem::path warehouse() const { return folder_.path() / "warehouse"; }
  io::LocalObjectStore& store() { return *store_; }
  SqlCatalog& catalog() { return catalog_; }
  std::filesystem::path catalog_file() const { return folder_.path() / "catalog.db"; }

 private:
  judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_ = io::LocalObjectStore::Open(warehouse());
  SqlCatalog catalog_{{.file = folder_.path() / "catalog.db", .unsynced = store_.get()}, *store_};
  io::HttpRoutes routes_;
  std::unique_ptr<io::HttpServer> server_;
};

/// Our client before our server: what every catalogue does.
class ServedLake : public CatalogFixture {
 public:
  Catalog& catalog() override {
    if (!catalog_) catalog_ = Reopen();
    return *catalog_;
  }
  std::unique_ptr<Catalog> Reopen() override {
    return std::make_unique<RestCatalog>(RestCatalogOptions{.uri = served_.uri()}, served_.store());
  }

 private:
  Served served_;
  std::unique_ptr<Catalog> catalog_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Served, CatalogContract, ServedLake);

class CatalogServerTest : public testing::Test {
 protected:
  struct Answer {
    int status = 0;
    json body;
    std::string etag;
  };

  Answer Ask(const std::string& method, const std::string& path, const json& body = nullptr,
             const std::string& if_none_match = "") {
    const std::string text = body.dump();
    io::HttpRequest request;
    request.method = method;
    request.url = served_.uri() + path;
    if (!body.is_null()) {
      request.body = text;
      request.headers.push_back({"Content-Type", "application/json"});
    }
    if (!if_none_match.empty()) request.headers.push_back({"If-None-Match", if_none_match});
    const auto response = client_.Send(request);
    return {response.status, json::parse(response.body, nullptr, false),
            std::string(response.header("ETag").value_or(""))};
  }

  static json Table(const std::string& name) {
    return {
        {"name", name},
        {"schema",
         {{"type", "struct"},
          {"fields",
           {{{"id", 0}, {"name", "id"}, {"type", "long"}, {"required", true}},
            {{"id", 1},
             {"name", "at"},
             {"type",
              {{"type", "struct"}, {"fields", {{{"id", 7}, {"name", "os"}, {"type", "string"}, {"required", false}}}}}},
             {"required", false}},
            {{"id", 2},
             {"name", "tags"},
             {"type", {{"type", "list"}, {"element-id", 9}, {"element", "string"}, {"element-required", false}}},
             {"required", false}}}},
          {"identifier-field-ids", {0}}}},
        {"partition-spec",
         {{"spec-id", 0},
          {"fields", {{{"source-id", 7}, {"field-id", 1000}, {"name", "os"}, {"transform", "identity"}}}}}},
        {"write-order",
         {{"order-id", 1},
          {"fields",
           {{{"source-id", 0}, {"transform", "identity"}, {"direction", "asc"}, {"null-order", "nulls-first"}}}}}}};
  }

  void MakeNamespace(const std::string& name) {
    ASSERT_EQ(Ask("POST", "/v1/namespaces", {{"namespace", {name}}}).status, 200);
  }

  Served served_;
  io::HttpClient client_;
};

TEST_F(CatalogServerTest, ClientsMayNumberColumnsAsTheyLike) {
  MakeNamespace("silver");
  const auto made = Ask("POST", "/v1/namespaces/silver/tables", Table("users"));
  ASSERT_EQ(made.status, 200) << made.body;
  const json& metadata = made.body["metadata"];
  const json& fields = metadata["schemas"][0]["fields"];
  EXPECT_EQ(fields[0]["id"], 1);
  EXPECT_EQ(fields[1]["id"], 2);
  EXPECT_EQ(fields[2]["id"], 3);
  EXPECT_EQ(fields[1]["type"]["fields"][0]["id"], 4);
  EXPECT_EQ(fields[2]["type"]["element-id"], 5);
  EXPECT_EQ(metadata["schemas"][0]["identifier-field-ids"], json({1}));
  EXPECT_EQ(metadata["partition-specs"][0]["fields"][0]["source-id"], 4);
  EXPECT_EQ(metadata["sort-orders"][0]["fields"][0]["source-id"], 1);
  auto twice = Table("other");
  twice["schema"]["fields"][1]["id"] = 0;
  EXPECT_EQ(Ask("POST", "/v1/namespaces/silver/tables", twice).body["error"]["type"], "BadRequestException");
}

TEST_F(CatalogServerTest, RefusalsHaveTheWordsThatClientsKnow) {
  const auto type = [](const Answer& answer) { return answer.body["error"]["type"]; };
  EXPECT_EQ(type(Ask("GET", "/v1/namespaces/none")), "NoSuchNamespaceException");
  EXPECT_EQ(type(Ask("POST", "/v1/namespaces/none/tables", Table("t"))), "NoSuchNamespaceException");
  MakeNamespace("silver");
  EXPECT_EQ(type(Ask("POST", "/v1/namespaces", {{"namespace", {"silver"}}})), "AlreadyExistsException");
  EXPECT_EQ(type(Ask("GET", "/v1/namespaces/silver/tables/t")), "NoSuchTableException");
  EXPECT_EQ(Ask("HEAD", "/v1/namespaces/silver/tables/t").status, 404);
  ASSERT_EQ(Ask("POST", "/v1/namespaces/silver/tables", Table("t")).status, 200);
  EXPECT_EQ(Ask("HEAD", "/v1/namespaces/silver/tables/t").status, 204);
  EXPECT_EQ(type(Ask("POST", "/v1/namespaces/silver/tables", Table("t"))), "AlreadyExistsException");
  EXPECT_EQ(type(Ask("DELETE", "/v1/namespaces/silver")), "NamespaceNotEmptyException");
  const json unmet = {{"requirements", {{{"type", "assert-table-uuid"}, {"uuid", "other"}}}},
                      {"updates", json::array()}};
  const auto conflict = Ask("POST", "/v1/namespaces/silver/tables/t", unmet);
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(type(conflict), "CommitFailedException");
  const json senseless = {{"requirements", json::array()},
                          {"updates", {{{"action", "set-current-schema"}, {"schema-id", 9}}}}};
  EXPECT_EQ(Ask("POST", "/v1/namespaces/silver/tables/t", senseless).status, 400);
  EXPECT_EQ(Ask("POST", "/v1/namespaces/silver/tables/t", "no object").status, 400);
  EXPECT_EQ(type(Ask("POST", "/v1/namespaces", {{"namespace", {"a.b"}}})), "BadRequestException");
  EXPECT_EQ(type(Ask("POST", "/v1/namespaces", {{"namespace", {".."}}})), "BadRequestException");
  auto unclear = Table("u");
  unclear["stage-create"] = "yes";
  EXPECT_EQ(type(Ask("POST", "/v1/namespaces/silver/tables", unclear)), "BadRequestException");
  EXPECT_EQ(type(Ask("POST", "/v1/namespaces/silver/properties", {{"removals", "owner"}})), "BadRequestException");
  EXPECT_EQ(type(Ask("POST", "/v1/namespaces/silver/tables/none", unmet)), "NoSuchTableException");
  auto outside = Table("u");
  outside["location"] = "file:///etc";
  EXPECT_EQ(type(Ask("POST", "/v1/namespaces/silver/tables", outside)), "BadRequestException");
  EXPECT_EQ(
      type(Ask("POST", "/v1/namespaces/silver/register", {{"name", "r"}, {"metadata-location", "file:///etc/passwd"}})),
      "BadRequestException");
}

json View(const std::string& name, const std::string& sql = "SELECT 1 AS id") {
  return {
      {"name", name},
      {"schema", {{"type", "struct"}, {"fields", {{{"id", 1}, {"name", "id"}, {"type", "int"}, {"required", false}}}}}},
      {"view-version",
       {{"version-id", 1},
        {"timestamp-ms", 1000},
        {"schema-id", 0},
        {"summary", json::object()},
        {"default-namespace", {"silver"}},
        {"representations", {{{"type", "sql"}, {"sql", sql}, {"dialect", "spark"}}}}}},
      {"properties", {{"comment", "told"}}}};
}

TEST_F(CatalogServerTest, ViewsAreMadeChangedRenamedAndDropped) {
  MakeNamespace("silver");
  MakeNamespace("gold");
  const auto made = Ask("POST", "/v1/namespaces/silver/views", View("v"));
  ASSERT_EQ(made.status, 200) << made.body;
  const auto loaded = Ask("GET", "/v1/namespaces/silver/views/v");
  EXPECT_EQ(loaded.body["metadata"], made.body["metadata"]);
  EXPECT_EQ(loaded.body["metadata"]["location"], served_.store().UriOf("silver/v"));
  EXPECT_EQ(loaded.body["metadata"]["properties"], json({{"comment", "told"}}));
  EXPECT_THAT(loaded.body["metadata-location"].get<std::string>(), HasSubstr("/silver/v/metadata/00000-"));
  EXPECT_EQ(Ask("HEAD", "/v1/namespaces/silver/views/v").status, 204);

  auto version = View("v", "SELECT 2 AS id")["view-version"];
  const std::string uuid = loaded.body["metadata"]["view-uuid"];
  json change = {{"requirements", {{{"type", "assert-view-uuid"}, {"uuid", uuid}}}},
                 {"updates",
                  {{{"action", "add-view-version"}, {"view-version", version}},
                   {{"action", "set-current-view-version"}, {"view-version-id", -1}}}}};
  const auto changed = Ask("POST", "/v1/namespaces/silver/views/v", change);
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.body["metadata"]["current-version-id"], 2);
  EXPECT_THAT(changed.body["metadata-location"].get<std::string>(), HasSubstr("/silver/v/metadata/00001-"));
  const auto same = Ask("POST", "/v1/namespaces/silver/views/v", change);
  EXPECT_EQ(same.body["metadata-location"], changed.body["metadata-location"]) << "there was nothing to change";
  change["requirements"][0]["uuid"] = "other";
  const auto conflict = Ask("POST", "/v1/namespaces/silver/views/v", change);
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(conflict.body["error"]["type"], "CommitFailedException");

  const json move = {{"source", {{"namespace", {"silver"}}, {"name", "v"}}},
                     {"destination", {{"namespace", {"gold"}}, {"name", "w"}}}};
  EXPECT_EQ(Ask("POST", "/v1/views/rename", move).status, 204);
  EXPECT_EQ(Ask("GET", "/v1/namespaces/gold/views").body["identifiers"],
            json::parse(R"([{"namespace": ["gold"], "name": "w"}])"));
  EXPECT_EQ(Ask("GET", "/v1/namespaces/gold/tables").body["identifiers"], json::array());
  EXPECT_EQ(Ask("DELETE", "/v1/namespaces/gold").status, 409) << "a view is in it";
  EXPECT_EQ(Ask("DELETE", "/v1/namespaces/gold/views/w").status, 204);
  const auto gone = Ask("GET", "/v1/namespaces/gold/views/w");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(gone.body["error"]["type"], "NoSuchViewException");
  EXPECT_EQ(Ask("DELETE", "/v1/namespaces/gold").status, 204);
  const auto back = Ask("POST", "/v1/namespaces/silver/register-view",
                        {{"name", "again"}, {"metadata-location", changed.body["metadata-location"]}});
  EXPECT_EQ(back.body["metadata"], changed.body["metadata"]);
}

TEST_F(CatalogServerTest, ANameIsATablesOrAViews) {
  MakeNamespace("silver");
  ASSERT_EQ(Ask("POST", "/v1/namespaces/silver/tables", Table("t")).status, 200);
  auto staged = Table("v");
  staged["stage-create"] = true;
  const auto metadata = Ask("POST", "/v1/namespaces/silver/tables", staged).body["metadata"];
  ASSERT_EQ(Ask("POST", "/v1/namespaces/silver/views", View("v")).status, 200);
  const auto refusal = [](const Answer& answer) {
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.body["error"]["type"], "AlreadyExistsException");
    return answer.body["error"]["message"].get<std::string>();
  };
  EXPECT_EQ(refusal(Ask("POST", "/v1/namespaces/silver/views", View("t"))),
            "Table with same name already exists: silver.t");
  EXPECT_EQ(refusal(Ask("POST", "/v1/namespaces/silver/views", View("v"))), "View already exists: silver.v");
  EXPECT_EQ(refusal(Ask("POST", "/v1/namespaces/silver/tables", Table("v"))),
            "View with same name already exists: silver.v");
  EXPECT_EQ(refusal(Ask("POST", "/v1/namespaces/silver/tables", staged)),
            "View with same name already exists: silver.v");
  const json create = {{"requirements", {{{"type", "assert-create"}}}},
                       {"updates",
                        {{{"action", "assign-uuid"}, {"uuid", metadata["table-uuid"]}},
                         {{"action", "set-location"}, {"location", metadata["location"]}},
                         {{"action", "add-schema"}, {"schema", metadata["schemas"][0]}},
                         {{"action", "set-current-schema"}, {"schema-id", -1}}}}};
  EXPECT_EQ(refusal(Ask("POST", "/v1/namespaces/silver/tables/v", create)),
            "View with same name already exists: silver.v");
  const auto rename = [](const char* from, const char* to) {
    return json{{"source", {{"namespace", {"silver"}}, {"name", from}}},
                {"destination", {{"namespace", {"silver"}}, {"name", to}}}};
  };
  EXPECT_EQ(refusal(Ask("POST", "/v1/views/rename", rename("v", "t"))),
            "Cannot rename silver.v to silver.t. Table already exists");
  EXPECT_EQ(refusal(Ask("POST", "/v1/tables/rename", rename("t", "v"))),
            "Cannot rename silver.t to silver.v. View already exists");
  EXPECT_EQ(Ask("GET", "/v1/namespaces/silver/tables/v").status, 404);
  EXPECT_EQ(Ask("GET", "/v1/namespaces/silver/views/t").status, 404);
  EXPECT_EQ(Ask("POST", "/v1/namespaces/none/views", View("v")).status, 404);
  auto outside = View("u");
  outside["location"] = "file:///etc";
  EXPECT_EQ(Ask("POST", "/v1/namespaces/silver/views", outside).status, 400);
  EXPECT_EQ(
      Ask("POST", "/v1/namespaces/silver/register-view", {{"name", "r"}, {"metadata-location", "file:///etc/passwd"}})
          .status,
      400);
}

TEST_F(CatalogServerTest, NamespacesHaveLevelsAndProperties) {
  ASSERT_EQ(Ask("POST", "/v1/namespaces", {{"namespace", {"a", "b"}}, {"properties", {{"owner", "me"}}}}).status, 200);
  MakeNamespace("c");
  EXPECT_EQ(Ask("GET", "/v1/namespaces").body["namespaces"], json({{"a"}, {"c"}}));
  EXPECT_EQ(Ask("GET", "/v1/namespaces?parent=a").body["namespaces"], json::array({{"a", "b"}}));
  const std::string location = served_.store().UriOf("a.b");
  EXPECT_EQ(Ask("GET", "/v1/namespaces/a%1Fb").body["properties"], json({{"owner", "me"}, {"location", location}}));
  const auto changed =
      Ask("POST", "/v1/namespaces/a%1Fb/properties", {{"updates", {{"k", "v"}}}, {"removals", {"owner", "none"}}});
  EXPECT_EQ(changed.body, json({{"updated", {"k"}}, {"removed", {"owner"}}, {"missing", {"none"}}}));
  EXPECT_EQ(Ask("GET", "/v1/namespaces/a%1Fb").body["properties"], json({{"k", "v"}, {"location", location}}));
  EXPECT_EQ(Ask("POST", "/v1/namespaces/c/properties", {{"updates", {{"k", "v"}}}, {"removals", {"k"}}}).status, 422);
  EXPECT_EQ(Ask("DELETE", "/v1/namespaces/a").status, 409) << "something is below it";
  EXPECT_EQ(Ask("DELETE", "/v1/namespaces/a%1Fb").status, 204);
  EXPECT_EQ(Ask("GET", "/v1/namespaces/a").status, 404);
}

TEST_F(CatalogServerTest, ListsComeInPages) {
  MakeNamespace("silver");
  for (const char* name : {"c", "a", "b"})
    ASSERT_EQ(Ask("POST", "/v1/namespaces/silver/tables", Table(name)).status, 200);
  const auto names = [](const json& body) {
    std::vector<std::string> found;
    for (const json& one : body["identifiers"]) found.push_back(one["name"]);
    return found;
  };
  EXPECT_THAT(names(Ask("GET", "/v1/namespaces/silver/tables").body), ElementsAre("a", "b", "c"));
  const auto first = Ask("GET", "/v1/namespaces/silver/tables?pageToken=&pageSize=2").body;
  EXPECT_THAT(names(first), ElementsAre("a", "b"));
  const auto second =
      Ask("GET", "/v1/namespaces/silver/tables?pageSize=2&pageToken=" + first["next-page-token"].get<std::string>())
          .body;
  EXPECT_THAT(names(second), ElementsAre("c"));
  EXPECT_TRUE(second["next-page-token"].is_null());
  EXPECT_EQ(Ask("GET", "/v1/namespaces/silver/tables?pageSize=0").status, 400);
}

TEST_F(CatalogServerTest, ATransactionIsAllOrNothing) {
  MakeNamespace("silver");
  for (const char* name : {"a", "b"}) ASSERT_EQ(Ask("POST", "/v1/namespaces/silver/tables", Table(name)).status, 200);
  const auto change = [](const char* name, json requirements) {
    return json{{"identifier", {{"namespace", {"silver"}}, {"name", name}}},
                {"requirements", std::move(requirements)},
                {"updates", {{{"action", "set-properties"}, {"updates", {{"k", name}}}}}}};
  };
  const json unmet = {{{"type", "assert-ref-snapshot-id"}, {"ref", "main"}, {"snapshot-id", 5}}};
  const auto files = [&] {
    int count = 0;
    served_.store().List("", "", [&](const io::ObjectInfo&) { return ++count > 0; });
    return count;
  };
  const int before = files();
  const auto refused =
      Ask("POST", "/v1/transactions/commit", {{"table-changes", {change("a", json::array()), change("b", unmet)}}});
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(files(), before) << "what was written for it is gone";
  const auto property = [&](const char* name) {
    return Ask("GET", std::string("/v1/namespaces/silver/tables/") + name)
        .body["metadata"]["properties"]
        .value("k", "");
  };
  EXPECT_EQ(property("a"), "");
  EXPECT_EQ(Ask("POST", "/v1/transactions/commit",
                {{"table-changes", {change("a", json::array()), change("b", json::array())}}})
                .status,
            204);
  EXPECT_EQ(property("a"), "a");
  EXPECT_EQ(property("b"), "b");
  EXPECT_EQ(Ask("POST", "/v1/transactions/commit",
                {{"table-changes", {change("a", json::array()), change("a", json::array())}}})
                .status,
            400);
}

TEST_F(CatalogServerTest, OurClientCommitsToSeveralTablesOrToNone) {
  RestCatalog client({.uri = served_.uri()}, served_.store());
  ExpectAllOrNone(client);
}

TEST_F(CatalogServerTest, AStagedTableIsThereWithItsFirstCommit) {
  MakeNamespace("silver");
  auto request = Table("t");
  request["stage-create"] = true;
  const auto staged = Ask("POST", "/v1/namespaces/silver/tables", request);
  ASSERT_EQ(staged.status, 200) << staged.body;
  EXPECT_FALSE(staged.body.contains("metadata-location"));
  EXPECT_EQ(Ask("GET", "/v1/namespaces/silver/tables/t").status, 404);
  const json& metadata = staged.body["metadata"];
  const json updates = {{{"action", "assign-uuid"}, {"uuid", metadata["table-uuid"]}},
                        {{"action", "upgrade-format-version"}, {"format-version", 2}},
                        {{"action", "add-schema"}, {"schema", metadata["schemas"][0]}, {"last-column-id", 5}},
                        {{"action", "set-current-schema"}, {"schema-id", -1}},
                        {{"action", "add-spec"}, {"spec", metadata["partition-specs"][0]}},
                        {{"action", "set-default-spec"}, {"spec-id", -1}},
                        {{"action", "add-sort-order"}, {"sort-order", metadata["sort-orders"][0]}},
                        {{"action", "set-default-sort-order"}, {"sort-order-id", -1}},
                        {{"action", "set-location"}, {"location", metadata["location"]}}};
  const json commit = {{"requirements", {{{"type", "assert-create"}}}}, {"updates", updates}};
  const auto made = Ask("POST", "/v1/namespaces/silver/tables/t", commit);
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.body["metadata"]["table-uuid"], metadata["table-uuid"]);
  EXPECT_EQ(made.body["metadata"]["partition-specs"], metadata["partition-specs"]);
  EXPECT_EQ(Ask("POST", "/v1/namespaces/silver/tables/t", commit).status, 409) << "it is there";
  EXPECT_EQ(Ask("POST", "/v1/namespaces/silver/tables", request).status, 409);
}

TEST_F(CatalogServerTest, ATableThatHasNotChangedIsNotSentAgain) {
  MakeNamespace("silver");
  ASSERT_EQ(Ask("POST", "/v1/namespaces/silver/tables", Table("t")).status, 200);
  const auto first = Ask("GET", "/v1/namespaces/silver/tables/t");
  EXPECT_EQ(Ask("GET", "/v1/namespaces/silver/tables/t", nullptr, first.etag).status, 304);
  EXPECT_EQ(Ask("GET", "/v1/namespaces/silver/tables/t?snapshots=refs", nullptr, first.etag).status, 200);
}

TEST_F(CatalogServerTest, WhatIsPurgedIsGoneAndWhatIsDroppedCanBeRegistered) {
  MakeNamespace("silver");
  for (const char* name : {"kept", "purged"}) {
    ASSERT_EQ(Ask("POST", "/v1/namespaces/silver/tables", Table(name)).status, 200);
  }
  const auto location = Ask("GET", "/v1/namespaces/silver/tables/kept").body["metadata-location"];
  EXPECT_EQ(Ask("DELETE", "/v1/namespaces/silver/tables/kept").status, 204);
  EXPECT_EQ(Ask("DELETE", "/v1/namespaces/silver/tables/purged?purgeRequested=true").status, 204);
  std::vector<std::string> left;
  served_.store().List("", "", [&](const io::ObjectInfo& object) {
    left.push_back(object.key);
    return true;
  });
  EXPECT_THAT(left, ElementsAre(HasSubstr("silver/kept/metadata/00000-")));
  EXPECT_EQ(Ask("POST", "/v1/namespaces/silver/register", {{"name", "again"}, {"metadata-location", location}}).status,
            200);
  EXPECT_EQ(Ask("GET", "/v1/namespaces/silver/tables/again").status, 200);
  EXPECT_EQ(Ask("POST", "/v1/tables/rename",
                {{"source", {{"namespace", {"silver"}}, {"name", "again"}}},
                 {"destination", {{"namespace", {"silver"}}, {"name", "moved"}}}})
                .status,
            204);
  EXPECT_EQ(Ask("GET", "/v1/namespaces/silver/tables/again").status, 404);
}

/// Commits that share a transaction decide each for itself: half of these compare with what has never been there.
TEST_F(CatalogServerTest, OfManyWhoCommitTogetherEachHasItsOwnOutcome) {
  constexpr int kTables = 16;
  constexpr int kRounds = 10;
  MakeNamespace("silver");
  for (int i = 0; i < kTables; ++i) {
    ASSERT_EQ(Ask("POST", "/v1/namespaces/silver/tables", Table("t" + std::to_string(i))).status, 200);
  }
  const SqlTables::Move never{.name = {"silver", "t0"}, .from = "file:///elsewhere", .to = "file:///nowhere"};
  SqlTables tables(served_.catalog_file(), "millrace", std::chrono::seconds(30));
  std::atomic<int> done = 0;
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> committers;
    for (int i = 0; i < kTables; ++i) {
      committers.emplace_back([&, i] {
        const TableName name{"silver", "t" + std::to_string(i)};
        for (int round = 0; round < kRounds; ++round) {
          const auto at = tables.FindLocation(name).value_or("");
          std::vector<SqlTables::Move> good{{.name = name, .from = at, .to = at + "+"}};
          done += tables.Swap(good) == SqlTables::Outcome::kDone ? 1 : 0;
          std::vector<SqlTables::Move> half{{.name = name, .from = at + "+", .to = at + "-"}, never};
          refused += tables.Swap(half) == SqlTables::Outcome::kRefused ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(done, kTables * kRounds);
  EXPECT_EQ(refused, kTables * kRounds);
  for (int i = 0; i < kTables; ++i) {
    EXPECT_THAT(tables.FindLocation({"silver", "t" + std::to_string(i)}),
                Optional(EndsWith(std::string(kRounds, '+'))));
  }
}

TEST_F(CatalogServerTest, OfFiftyWhoCommitToOneTableNoneIsLost) {
  MakeNamespace("silver");
  ASSERT_EQ(Ask("POST", "/v1/namespaces/silver/tables", Table("t")).status, 200);
  constexpr int kCommitters = 50;
  std::atomic<int> conflicts = 0;
  {
    std::vector<std::jthread> committers;
    for (int number = 0; number < kCommitters; ++number) {
      committers.emplace_back([&, number] {
        RestCatalog client({.uri = served_.uri()}, served_.store());
        while (true) {
          const auto base = client.Load({"silver", "t"});
          // Each adds to what the one before made, so that one that is overwritten would be missed.
          const auto found = base->metadata->properties.find("sum");
          const int sum = found == base->metadata->properties.end() ? 0 : std::stoi(found->second);
          const auto id = base->metadata->current_schema_id;
          auto schema = base->metadata->schema();
          schema.fields.push_back({.id = schema::FieldId(base->metadata->last_column_id + 1),
                                   .name = "c" + std::to_string(number),
                                   .type = schema::ParseType("long")});
          const auto result =
              client.Commit({"silver", "t"}, {table::AssertCurrentSchemaId{id}},
                            {table::AddSchema{.schema = schema, .last_column_id = base->metadata->last_column_id + 1},
                             table::SetCurrentSchema{}, table::SetProperties{{{"sum", std::to_string(sum + number)}}}});
          if (std::holds_alternative<Committed>(result)) return;
          ASSERT_TRUE(std::holds_alternative<Conflict>(result));
          ++conflicts;
        }
      });
    }
  }
  EXPECT_GT(conflicts, 0);
  const auto made = served_.catalog().Load({"silver", "t"});
  EXPECT_EQ(made->metadata->properties.at("sum"), std::to_string(kCommitters * (kCommitters - 1) / 2));
  EXPECT_EQ(made->metadata->schema().fields.size(), 3U + kCommitters);
}

/// Those that share a new version: one that is refused and one that cannot be applied are told so, and nobody else.
TEST_F(CatalogServerTest, OfManyWhoCommitToOneTableEachHasItsOwnOutcome) {
  MakeNamespace("silver");
  ASSERT_EQ(Ask("POST", "/v1/namespaces/silver/tables", Table("t")).status, 200);
  constexpr int kCommitters = 48;
  constexpr int kRounds = 5;
  std::atomic<int> taken = 0;
  std::atomic<int> refused = 0;
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> committers;
    for (int number = 0; number < kCommitters; ++number) {
      committers.emplace_back([&, number] {
        for (int round = 0; round < kRounds; ++round) {
          const std::string key = fmt::format("{}.{}", number, round);
          json change = {{"requirements", json::array()},
                         {"updates", {{{"action", "set-properties"}, {"updates", {{key, "here"}}}}}}};
          if (number % 4 == 1) change["requirements"] = {{{"type", "assert-table-uuid"}, {"uuid", "another"}}};
          if (number % 4 == 2) change["updates"].push_back({{"action", "set-current-schema"}, {"schema-id", 77}});
          const auto answer = Ask("POST", "/v1/namespaces/silver/tables/t", change);
          taken += answer.status == 200 ? 1 : 0;
          refused += answer.status == 409 ? 1 : 0;
          wrong += answer.status == 400 ? 1 : 0;
          if (answer.status == 200) {
            EXPECT_THAT(answer.body.dump(), HasSubstr(key));
          }
        }
      });
    }
  }
  EXPECT_EQ(taken, kCommitters * kRounds / 2);
  EXPECT_EQ(refused, kCommitters * kRounds / 4);
  EXPECT_EQ(wrong, kCommitters * kRounds / 4);
  const auto made = served_.catalog().Load({"silver", "t"});
  for (int number = 0; number < kCommitters; ++number) {
    for (int round = 0; round < kRounds; ++round) {
      EXPECT_EQ(made->metadata->properties.contains(fmt::format("{}.{}", number, round)),
                number % 4 == 0 || number % 4 == 3);
    }
  }
}

}  // namespace
}  // namespace millrace::catalog
