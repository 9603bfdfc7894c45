#include "api/api_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "console/bundle.h"
#include "io/http_client.h"

namespace millrace::api {
namespace {

using io::HttpHeader;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kToken = "0123456789abcdef-token";

TokenGrant Grant(std::string name, const char* token, std::vector<std::string> roles) {
  TokenGrant grant;
  grant.name = std::move(name);
  grant.hash = TokenHash::Of(token);
  grant.roles = std::move(roles);
  return grant;
}

class FakeProcess final : public Observation {
 public:
  std::string MetricsText() override { return "rows_total 7\n"; }
  std::optional<std::string> Stuck() override { return stuck; }
  std::vector<std::string> NotReady() override { return reasons; }
  std::string StatusJson() override { return "{\"pipeline\": \"p\"}"; }

  std::optional<std::string> stuck;
  std::vector<std::string> reasons;
};

class ApiServerTest : public testing::Test {
 protected:
  void Serve(std::vector<TokenGrant> tokens = {}, std::vector<std::string> hosts = {}) {
    ApiOptions options;
    options.door.tokens = std::move(tokens);
    options.door.hosts = std::move(hosts);
    server_ = std::make_unique<ApiServer>(std::move(options), process_);
  }
  io::HttpResponse Get(const std::string& path, std::vector<HttpHeader> headers = {}, const char* method = "GET") {
    io::HttpRequest request;
    request.method = method;
    request.url = server_->url() + path;
    request.headers = std::move(headers);
    return client_.Send(request);
  }
  int StatusOf(const std::string& path, std::vector<HttpHeader> headers = {}, const char* method = "GET") {
    return Get(path, std::move(headers), method).status;
  }

  FakeProcess process_;
  io::HttpClient client_;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(ApiServerTest, LoopbackNeedsNoToken) {
  Serve();
  const auto metrics = Get("/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_EQ(metrics.body, "rows_total 7\n");
  EXPECT_EQ(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(metrics.header("x-content-type-options"), "nosniff");
  EXPECT_THAT(std::string(metrics.header("content-security-policy").value_or("")), HasSubstr("default-src 'none'"));
  EXPECT_EQ(nlohmann::json::parse(Get("/api/v1/status").body)["pipeline"], "p");
}

TEST_F(ApiServerTest, LiveAndReadySayWhy) {
  Serve();
  EXPECT_EQ(StatusOf("/health/live"), 200);
  EXPECT_EQ(nlohmann::json::parse(Get("/health/ready").body)["status"], "ready");
  process_.stuck = "it hangs";
  process_.reasons = {"table a: it is starting", "the lake does not answer"};
  EXPECT_EQ(StatusOf("/health/live"), 503);
  const auto ready = Get("/health/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(nlohmann::json::parse(ready.body)["reasons"], nlohmann::json(process_.reasons));
}

TEST_F(ApiServerTest, ErrorsAreJson) {
  Serve();
  const auto missing = Get("/nothing");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(nlohmann::json::parse(missing.body)["error_code"], 404);
  EXPECT_EQ(missing.header("x-content-type-options"), "nosniff");
  const auto wrong = Get("/metrics", {}, "DELETE");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("allow"), "GET, HEAD");
}

TEST_F(ApiServerTest, APageElsewhereReachesNothing) {
  Serve();
  EXPECT_EQ(StatusOf("/metrics", {{"Host", "evil.example"}}), 421);
  EXPECT_EQ(StatusOf("/metrics", {{"Host", "localhost.evil.example"}}), 421);
  EXPECT_EQ(StatusOf("/metrics", {{"Host", "LOCALHOST:8080"}}), 200);
  EXPECT_EQ(StatusOf("/metrics", {{"Origin", "http://evil.example"}}), 403);
  EXPECT_EQ(StatusOf("/metrics", {{"Origin", "null"}}), 403);
  EXPECT_EQ(StatusOf("/health/ready", {{"Origin", "http://evil.example"}}), 403);
  EXPECT_EQ(StatusOf("/metrics", {{"Origin", server_->url()}}), 200);
  EXPECT_EQ(StatusOf("/metrics", {{"Sec-Fetch-Site", "cross-site"}}), 403);
  EXPECT_EQ(StatusOf("/metrics", {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}}), 200);
  EXPECT_EQ(StatusOf("/metrics", {{"Sec-Fetch-Site", "same-origin"}}), 200);
}

TEST_F(ApiServerTest, ALinkElsewhereSendsNoEvent) {
  int taken = 0;
  ApiOptions options;
  options.add_routes = [&](io::HttpRoutes& routes) {
    io::HttpRoute route;
    route.method = "GET";
    route.pattern = "/orders";
    route.role = "ingest";
    route.handler = [&](io::HttpCall&) {
      ++taken;
      return io::JsonReply(200, "{}");
    };
    routes.Add(std::move(route));
  };
  server_ = std::make_unique<ApiServer>(std::move(options), process_);
  for (const auto* site : {"cross-site", "same-site"}) {
    EXPECT_EQ(StatusOf("/orders?id=1", {{"Sec-Fetch-Site", site}, {"Sec-Fetch-Mode", "navigate"}}), 403);
  }
  EXPECT_EQ(taken, 0);
  EXPECT_EQ(StatusOf("/orders?id=1", {{"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Mode", "navigate"}}), 200);
}

TEST_F(ApiServerTest, OtherNamesMayBeListed) {
  Serve({}, {"Millrace.Example"});
  EXPECT_EQ(StatusOf("/metrics", {{"Host", "millrace.example:9000"}}), 200);
  EXPECT_EQ(StatusOf("/metrics", {{"Host", "evil.example"}}), 421);
}

TEST_F(ApiServerTest, TokensOpenTheDoor) {
  Serve({Grant("scraper", kToken, {"read"}), Grant("other", "another-token-of-16", {"ingest", "read"})});
  const auto refused = Get("/metrics");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.header("www-authenticate"), "Bearer realm=\"millrace\"");
  EXPECT_EQ(StatusOf("/metrics", {{"Authorization", std::string("Bearer ") + kToken}}), 200);
  EXPECT_EQ(StatusOf("/metrics", {{"Authorization", "bearer another-token-of-16"}}), 200);
  for (const auto* wrong : {"Bearer 0123456789abcdef-tokem", "Bearer 0123456789abcdef", "Bearer ", "Basic eDp5", "x"}) {
    EXPECT_EQ(StatusOf("/metrics", {{"Authorization", wrong}}), 401) << wrong;
  }
  EXPECT_EQ(StatusOf("/metrics?token=" + std::string(kToken)), 401);
}

TEST_F(ApiServerTest, StrangersLearnNoReasonsAndNoRoutes) {
  Serve({Grant("scraper", kToken, {"read"})});
  process_.reasons = {"table secret.plans: failed"};
  process_.stuck = "table secret.plans";
  const auto ready = Get("/health/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, Not(HasSubstr("secret")));
  EXPECT_THAT(Get("/health/live").body, Not(HasSubstr("secret")));
  EXPECT_THAT(Get("/health/ready", {{"Authorization", std::string("Bearer ") + kToken}}).body, HasSubstr("secret"));
  EXPECT_EQ(StatusOf("/nothing"), 401);
}

TEST_F(ApiServerTest, ATokenIsGoodForItsRolesOnly) {
  Serve({Grant("sender", kToken, {"ingest"})});
  const std::vector<io::HttpHeader> shown = {{"Authorization", std::string("Bearer ") + kToken}};
  EXPECT_EQ(StatusOf("/metrics", shown), 403);
  EXPECT_EQ(StatusOf("/api/v1/status", shown), 403);
  EXPECT_EQ(StatusOf("/nothing", shown), 404);
  EXPECT_EQ(Get("/health/ready", shown).body.find("secret"), std::string::npos) << "it learns what strangers learn";
}

TEST_F(ApiServerTest, ThePageIsThereForWhoeverComesAndRunsNothingOfOthers) {
  Serve({Grant("scraper", kToken, {"read"})});
  const auto page = Get("/", {{"Accept-Encoding", "identity"}});
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<!doctype html>"));
  EXPECT_EQ(page.header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.header("cache-control"), "no-cache");
  const std::string policy(page.header("content-security-policy").value_or(""));
  EXPECT_THAT(policy, HasSubstr("default-src 'none'; script-src 'self'; style-src 'self';"));
  EXPECT_THAT(policy, HasSubstr("require-trusted-types-for 'script'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  const std::string etag(page.header("etag").value_or(""));
  const auto again = Get("/", {{"If-None-Match", etag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_TRUE(again.body.empty());
  EXPECT_EQ(StatusOf("/", {{"If-None-Match", "\"other\""}}), 200);
  EXPECT_EQ(StatusOf("/", {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "no-cors"}}), 403);
}

TEST_F(ApiServerTest, ThePageStandsBesideWhatProgramsReadThere) {
  ApiOptions options;
  options.door.tokens = {Grant("program", kToken, {"read"})};
  std::string role = "read";
  options.add_routes = [&](io::HttpRoutes& routes) {
    io::HttpRoute route{.method = "GET", .pattern = "/", .handler = {}};
    route.role = role;
    route.handler = [](io::HttpCall&) { return io::JsonReply(200, "{\"version\": 1}"); };
    routes.Add(std::move(route));
  };
  server_ = std::make_unique<ApiServer>(options, process_);
  const HttpHeader browser{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"};
  const HttpHeader shown{"Authorization", std::string("Bearer ") + kToken};
  EXPECT_EQ(Get("/", {browser}).header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(Get("/", {{"Accept", "*/*"}}).status, 401) << "what was behind the door stays there";
  EXPECT_EQ(Get("/", {shown}).body, "{\"version\": 1}");
  EXPECT_EQ(Get("/", {shown, {"Accept", "application/json"}}).body, "{\"version\": 1}");
  EXPECT_EQ(StatusOf("/", {shown, {"Host", "evil.example"}}), 421);
  role = "ingest";
  server_ = std::make_unique<ApiServer>(options, process_);
  EXPECT_EQ(Get("/", {browser, shown}).status, 403) << "a link elsewhere would send events";
}

TEST_F(ApiServerTest, FilesOfThePageArePackedAndKept) {
  Serve();
  if (console::BundledFiles().size() == 1) {  // compiled without Node
    EXPECT_THAT(Get("/").body, HasSubstr("This build has no console"));
    return;
  }
  size_t files = 0;
  for (const auto& file : console::BundledFiles()) {
    if (!file.immutable) continue;
    ++files;
    const auto plain = Get(std::string(file.path), {{"Accept-Encoding", "gzip;q=0, br"}});
    EXPECT_EQ(plain.body, file.bytes) << file.path;
    EXPECT_EQ(plain.header("cache-control"), "public, max-age=31536000, immutable");
    EXPECT_EQ(plain.header("vary"), "Accept-Encoding");
    EXPECT_EQ(plain.header("content-encoding"), std::nullopt);
    EXPECT_EQ(Get(std::string(file.path), {{"Accept-Encoding", "br, gzip"}}).header("content-encoding"), "gzip");
  }
  EXPECT_GE(files, 2U) << "a script and a style";
}

TEST_F(ApiServerTest, ACallerLearnsWhatItMayDo) {
  const auto session = [&](std::vector<HttpHeader> headers) {
    return nlohmann::json::parse(Get("/api/v1/session", std::move(headers)).body);
  };
  Serve();
  EXPECT_EQ(session({})["tokens"], false);
  EXPECT_EQ(session({})["roles"], nlohmann::json({"read", "ingest", "operate", "query", "admin"}));
  EXPECT_EQ(session({})["parts"], nlohmann::json({{"schemas", false}, {"connectors", false}}));
  Serve({Grant("person", kToken, {"read", "query"})});
  EXPECT_EQ(session({})["tokens"], true);
  EXPECT_EQ(session({})["roles"], nlohmann::json::array());
  EXPECT_EQ(session({{"Authorization", "Bearer not-that-one-at-all"}})["roles"], nlohmann::json::array());
  EXPECT_EQ(session({{"Authorization", std::string("Bearer ") + kToken}})["roles"], nlohmann::json({"read", "query"}));
}

TEST_F(ApiServerTest, BeyondLoopbackNeedsTlsAndATokens) {
  ApiOptions options;
  options.http.address = "0.0.0.0";
  EXPECT_THROW(ApiServer(options, process_), Error);
  options.door.tokens = {Grant("scraper", kToken, {"read"})};
  EXPECT_THROW(ApiServer(options, process_), Error);
}

}  // namespace
}  // namespace millrace::api
