#include "io/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "services/service.h"

namespace millrace::io {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

class HttpClientTest : public testing::Test {
 protected:
  static const std::string& Address() {
    static const services::Service server("http_server.py");
    return server.address();
  }
  HttpRequest Request(const std::string& path, std::string method = "GET") {
    HttpRequest request;
    request.method = std::move(method);
    request.url = Address() + path;
    return request;
  }
  int Seen() { return std::stoi(client_.Send(Request("/seen")).body); }

  struct Failed {
    std::string message;
    bool may_have_arrived = false;
  };
  Failed FailureOf(const HttpRequest& request, std::stop_token stop = {}) {
    try {
      client_.Send(request, std::move(stop));
    } catch (const HttpFailure& failure) {
      return {failure.what(), failure.may_have_arrived()};
    }
    return {"nothing was thrown", false};
  }

  HttpClient client_;
};

TEST_F(HttpClientTest, SendsWhatItIsGiven) {
  auto request = Request("/echo/a%2Fb/../c?x=1&y=%20", "PUT");
  request.headers = {{"X-One", "1"}, {"X-Empty", ""}, {"Content-Type", "text/plain"}};
  const std::string body("a\0b\n", 4);
  request.body = body;
  const auto said = json::parse(client_.Send(request).body);
  EXPECT_EQ(said["method"], "PUT");
  EXPECT_EQ(said["path"], "/echo/a%2Fb/../c?x=1&y=%20");
  EXPECT_EQ(said["body"], body);
  std::vector<std::pair<std::string, std::string>> headers = said["headers"];
  for (const auto& [name, value] : {std::pair{"X-One", "1"}, {"X-Empty", ""}, {"Content-Length", "4"}}) {
    EXPECT_EQ(std::count(headers.begin(), headers.end(), std::pair<std::string, std::string>(name, value)), 1) << name;
  }
  for (const auto& [name, value] : headers) EXPECT_NE(name, "Expect");
}

TEST_F(HttpClientTest, EveryMethodCarriesOrLacksABody) {
  for (const std::string method : {"GET", "DELETE", "POST", "PUT", "PATCH"}) {
    const auto empty = json::parse(client_.Send(Request("/echo", method)).body);
    EXPECT_EQ(empty["method"], method);
    EXPECT_EQ(empty["body"], "");
    auto request = Request("/echo", method);
    request.body = "body";
    const auto full = json::parse(client_.Send(request).body);
    EXPECT_EQ(full["method"], method);
    EXPECT_EQ(full["body"], "body");
  }
  EXPECT_EQ(client_.Send(Request("/echo", "HEAD")).status, 200);
}

TEST_F(HttpClientTest, AnyStatusIsAnAnswer) {
  for (const int status : {204, 301, 307, 404, 412, 500, 503}) {
    const auto response = client_.Send(Request("/status/" + std::to_string(status)));
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.header("x-case"), "MiXed");
    EXPECT_EQ(response.header("x-early"), std::nullopt) << "of the interim answer";
    EXPECT_EQ(response.header("LOCATION"), "/echo");
  }
}

TEST_F(HttpClientTest, ConnectionsAreKept) {
  const auto first = json::parse(client_.Send(Request("/echo")).body);
  const auto second = json::parse(client_.Send(Request("/echo")).body);
  EXPECT_EQ(second["connection"], first["connection"]);
  EXPECT_EQ(second["request"], 2);
}

TEST_F(HttpClientTest, ThreadsDoNotShareAConnection) {
  std::vector<std::jthread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        auto request = Request("/echo", "POST");
        const auto body = std::to_string(t * 1000 + i);
        request.body = body;
        right += json::parse(client_.Send(request).body)["body"] == body ? 1 : 0;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(right, 160);
}

TEST_F(HttpClientTest, NothingIsSentAgainByItself) {
  for (const std::string method : {"GET", "DELETE", "POST", "PUT"}) {
    client_.Send(Request("/echo"));
    const int before = Seen();
    auto request = Request("/drop-when-kept", method);
    if (method == "PUT") request.body = "with a body";
    EXPECT_TRUE(FailureOf(request).may_have_arrived) << method;
    EXPECT_EQ(Seen(), before + 1) << method;
  }
}

TEST_F(HttpClientTest, WhatTheServerTookMayHaveArrived) {
  EXPECT_TRUE(FailureOf(Request("/drop", "POST")).may_have_arrived);
  EXPECT_TRUE(FailureOf(Request("/reset-body")).may_have_arrived);
  auto slow = Request("/never", "PUT");
  slow.timeout = milliseconds(200);
  const auto failed = FailureOf(slow);
  EXPECT_TRUE(failed.may_have_arrived);
  EXPECT_THAT(failed.message, HasSubstr("Timeout was reached"));
}

TEST_F(HttpClientTest, WhatWasNeverSentDidNotArrive) {
  HttpRequest request;
  request.url = "http://127.0.0.1:1/x";
  EXPECT_FALSE(FailureOf(request).may_have_arrived);
  request.url = "http://no-such-host.invalid/x";
  const auto failed = FailureOf(request);
  EXPECT_FALSE(failed.may_have_arrived);
  EXPECT_THAT(failed.message, HasSubstr("check the host name"));
  request.url = "https" + Address().substr(4) + "/echo";  // a server that speaks no TLS
  request.timeout = milliseconds(500);
  EXPECT_FALSE(FailureOf(request).may_have_arrived);
  request.url = "file:///etc/passwd";
  EXPECT_FALSE(FailureOf(request).may_have_arrived);
}

TEST_F(HttpClientTest, WhatSaysNothingMayBeLeftBeforeItsTimeIsUp) {
  auto request = Request("/never", "PUT");
  request.timeout = std::chrono::minutes(30);
  request.stall_time = std::chrono::seconds(1);
  const auto failed = FailureOf(request);
  EXPECT_TRUE(failed.may_have_arrived);
  EXPECT_THAT(failed.message, HasSubstr("Timeout was reached"));
}

TEST_F(HttpClientTest, AnAddressThatIsRefusedStandsForNoOther) {
  HttpClient::Options options;
  std::vector<std::string> asked;
  options.allow_address = [&](const std::string& address) {
    asked.push_back(address);
    return address != "::1";
  };
  HttpClient client(options);
  const auto cause = [&](const std::string& url) {
    HttpRequest request;
    request.url = url;
    try {
      client.Send(request);
    } catch (const HttpFailure& failure) {
      return failure.cause();
    }
    return HttpFailureCause::kStopped;
  };
  EXPECT_EQ(cause("http://[::1]:1/"), HttpFailureCause::kAddressRefused);
  EXPECT_EQ(cause("http://localhost:1/"), HttpFailureCause::kNetwork) << "the other address may answer later";
  EXPECT_THAT(asked, testing::IsSupersetOf({"::1", "127.0.0.1"}));
  HttpRequest request;
  request.url = "http://localhost" + Address().substr(Address().rfind(':')) + "/echo";
  EXPECT_EQ(client.Send(request).status, 200);
}

TEST_F(HttpClientTest, StopEndsTheWait) {
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(100));
    stop.request_stop();
  });
  const auto failed = FailureOf(Request("/never", "POST"), stop.get_token());
  EXPECT_TRUE(failed.may_have_arrived);
  EXPECT_THAT(failed.message, HasSubstr("stopped"));
  EXPECT_FALSE(FailureOf(Request("/echo", "POST"), stop.get_token()).may_have_arrived) << "stopped before it began";
}

TEST_F(HttpClientTest, LargeAnswersAreRefusedNotCut) {
  auto request = Request("/large");
  request.response_bytes_max = 999'999;
  EXPECT_THAT(FailureOf(request).message, HasSubstr("larger than the 999999 bytes allowed"));
  request.response_bytes_max = 1'000'000;
  EXPECT_EQ(client_.Send(request).body.size(), 1'000'000U);
}

TEST_F(HttpClientTest, FailuresNameThePlaceWithoutSecrets) {
  auto request = Request("/drop?token=hush");
  request.url.insert(request.url.find("127"), "user:password@");
  request.headers = {{"Authorization", "hush"}};
  const auto message = FailureOf(request).message;
  EXPECT_THAT(message, HasSubstr("GET " + Address() + "/drop:"));
  EXPECT_THAT(message, Not(HasSubstr("hush")));
  EXPECT_THAT(message, Not(HasSubstr("password")));
}

TEST_F(HttpClientTest, LineBreaksInHeadersAreRefused) {
  auto request = Request("/echo");
  request.headers = {{"X-A", "1\r\nX-B: 2"}};
  EXPECT_THROW(client_.Send(request), Error);
}

}  // namespace
}  // namespace millrace::io
