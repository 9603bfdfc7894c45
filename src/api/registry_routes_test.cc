#include "api/registry_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/api_server.h"
#include "io/http_client.h"
#include "judge/python.h"
#include "schema/registry/store.h"

namespace millrace::api {
namespace {

using nlohmann::json;

constexpr const char* kReader = "0123456789abcdef-reader";
constexpr const char* kOperator = "0123456789abcdef-operator";

class NoProcess final : public Observation {
 public:
  std::string MetricsText() override { return {}; }
  std::optional<std::string> Stuck() override { return std::nullopt; }
  std::vector<std::string> NotReady() override { return {}; }
  std::string StatusJson() override { return "{}"; }
};

class RegistryRoutesTest : public testing::Test {
 protected:
  void SetUp() override {
    ApiOptions options;
    for (const auto& [token, role] : {std::pair(kReader, "read"), std::pair(kOperator, "operate")}) {
      TokenGrant grant;
      grant.name = role;
      grant.hash = TokenHash::Of(token);
      grant.roles = {role};
      options.door.tokens.push_back(std::move(grant));
    }
    options.registry = &store_;
    server_ = std::make_unique<ApiServer>(std::move(options), process_);
  }
  io::HttpResponse Send(const char* token, const char* method, const std::string& path, const std::string& body = {}) {
    io::HttpRequest request;
    request.method = method;
    request.url = server_->url() + path;
    request.headers = {{"Authorization", std::string("Bearer ") + token}};
    request.body = body;
    return client_.Send(request);
  }
  int StatusOf(const char* token, const char* method, const std::string& path, const std::string& body = {}) {
    return Send(token, method, path, body).status;
  }

  const judge::Folder folder_;
  schema::RegistryStore store_{folder_.path() / "schemas.db"};
  NoProcess process_;
  io::HttpClient client_;
  std::unique_ptr<ApiServer> server_;
};

const std::string kSchema = R"({"schema":"\"string\""})";

TEST_F(RegistryRoutesTest, ChangesNeedARoleOfTheirOwn) {
  struct Change {
    const char* method;
    const char* path;
    std::string body = {};
  };
  const std::vector<Change> changes = {{"POST", "/subjects/s/versions", kSchema},
                                       {"PUT", "/config", R"({"compatibility":"FULL"})"},
                                       {"PUT", "/config/s", R"({"compatibility":"FULL"})"},
                                       {"DELETE", "/config/s"},
                                       {"PUT", "/mode/s", R"({"mode":"READWRITE"})"},
                                       {"DELETE", "/mode/s"},
                                       {"PUT", "/mode", R"({"mode":"READWRITE"})"},
                                       {"DELETE", "/mode"},
                                       {"DELETE", "/subjects/s/versions/1"},
                                       {"DELETE", "/subjects/s?permanent=true"}};
  for (const auto& change : changes) {
    EXPECT_EQ(StatusOf(kReader, change.method, change.path, change.body), 403) << change.method << change.path;
    EXPECT_EQ(StatusOf(kOperator, change.method, change.path, change.body), 200) << change.method << change.path;
  }
}

TEST_F(RegistryRoutesTest, WhatOnlyLooksIsForReaders) {
  store_.Register("s", {.text = "\"string\""});
  for (const char* path : {"/subjects", "/subjects/s/versions/1", "/schemas/ids/1", "/config", "/mode", "/schemas"}) {
    EXPECT_EQ(StatusOf(kReader, "GET", path), 200) << path;
    EXPECT_EQ(StatusOf(kOperator, "GET", path), 403) << path;
  }
  EXPECT_EQ(StatusOf(kReader, "POST", "/subjects/s", kSchema), 200) << "a lookup";
  EXPECT_EQ(StatusOf(kReader, "POST", "/compatibility/subjects/s/versions/latest", kSchema), 200);
}

TEST_F(RegistryRoutesTest, ASchemaComesAsItWasStored) {
  const std::string text = "{ \"type\" : \"int\",\n  \"doc\": \"\u00e9\" }";
  const auto id = store_.Register("s", {.text = text});
  EXPECT_EQ(Send(kReader, "GET", "/subjects/s/versions/latest/schema").body, text);
  EXPECT_EQ(Send(kReader, "GET", "/schemas/ids/" + std::to_string(id) + "/schema").body, text);
}

TEST_F(RegistryRoutesTest, NumbersThatAreNoneAreRefused) {
  store_.Register("part", {.text = R"({"type":"enum","name":"E","symbols":["A"]})"});
  for (const char* number : {"4294967297", "18446744073709551615", "-4294967295", "1.5", "\"1\""}) {
    auto body = json::parse(kSchema);
    body["references"] = json::array({{{"name", "E"}, {"subject", "part"}, {"version", json::parse(number)}}});
    EXPECT_EQ(StatusOf(kOperator, "POST", "/subjects/s/versions", body.dump()), 400) << number;
    for (const char* member : {"id", "version"}) {
      auto numbered = json::parse(kSchema);
      numbered[member] = json::parse(number);
      EXPECT_EQ(StatusOf(kOperator, "POST", "/subjects/s/versions", numbered.dump()), 400) << number;
    }
  }
  EXPECT_EQ(StatusOf(kOperator, "POST", "/subjects/s/versions", R"({"schema":"\"int\"","id":-1,"version":-1})"), 200);
  EXPECT_EQ(StatusOf(kOperator, "POST", "/subjects/s/versions", R"({"schema":")" + std::string(200'000, '[') + R"("})"),
            422);
  EXPECT_EQ(StatusOf(kOperator, "POST", "/subjects/s/versions", std::string(200'000, '[')), 400);
}

}  // namespace
}  // namespace millrace::api
