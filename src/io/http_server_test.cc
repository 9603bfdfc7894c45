#include "io/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <thread>

#include "base/error.h"
#include "io/handler_threads.h"
#include "io/http_client.h"
#include "io/http_events.h"
#include "io/test_http_server.h"

namespace millrace::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

size_t Count(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_F(HttpServerTest, RoutesAnswer) {
  Serve();
  EXPECT_EQ(Send("/hello/w%C3%B6rld%2Fx").body, "hello wörld/x");
  EXPECT_EQ(Send("/hello/").status, 404);
  EXPECT_EQ(Send("/hello/a/b").status, 404);
  EXPECT_EQ(Send("/hello/%zz").status, 404);
  EXPECT_EQ(Send("/hello/%00").status, 404);
  EXPECT_EQ(Send("/hello/a?x=%zz").status, 400);
  EXPECT_EQ(Send("/hello/a", "DELETE").status, 405);
  const auto head = Send("/hello/a", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.header("content-length"), "7");
}

TEST_F(HttpServerTest, BodiesOfAnySizeUpToTheLimit) {
  Serve();
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65'535}, size_t{65'536}, size_t{65'537}, size_t{1} << 20}) {
    const std::string body(size, 'x');
    EXPECT_EQ(Send("/echo", "POST", body).body, body);
  }
  EXPECT_EQ(Send("/echo", "POST", std::string((1 << 20) + 1, 'x')).status, 413);
  EXPECT_EQ(Send("/hello/a", "GET").status, 200);
  EXPECT_THAT(Ask("GET /hello/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde"), StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpServerTest, ChunkedBodies) {
  Serve();
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                  "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"),
              HasSubstr("\r\n\r\nabcdefg"));
  std::string large = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; ++i) large += "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  EXPECT_THAT(Ask(large + "0\r\n\r\n"), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
              StartsWith("HTTP/1.1 400"));
  RawClient broken(server_->port());
  broken.Send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  broken.ShutDown();
  EXPECT_THAT(broken.Receive(), StartsWith("HTTP/1.1 400"));
}

TEST_F(HttpServerTest, AClientThatAsksBeforeItSendsIsToldToGoOn) {
  Serve();
  RawClient client(server_->port());
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.Receive("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("abc");
  EXPECT_THAT(client.Receive(), HasSubstr("\r\n\r\nabc"));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpServerTest, WhatCouldBeReadTwoWaysIsRefused) {
  Serve();
  const std::string start = "POST /echo HTTP/1.1\r\nHost: a\r\n";
  for (const std::string bad :
       {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "Transfer-Encoding: gzip\r\n\r\n",
        "Transfer-Encoding: chunked, gzip\r\n\r\n", "Transfer-Encoding: xchunked\r\n\r\n", "Content-Length: -1\r\n\r\n",
        "Content-Length: 1e3\r\n\r\n", "Host: b\r\n\r\n", "Bad Name: x\r\n\r\n", ": x\r\n\r\n"}) {
    const auto answer = Ask(start + bad + "GET /hello/smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 501")) << bad << answer;
    EXPECT_EQ(answer.find("smuggled"), std::string::npos) << bad << answer;
  }
}

TEST_F(HttpServerTest, WhatIsNotHttpIsRefused) {
  Serve();
  for (const std::string bad : {"\x16\x03\x01\x02\x01 tls\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                                "GET /a b HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n\r\n"}) {
    EXPECT_THAT(Ask(bad), StartsWith("HTTP/1.1 400")) << bad;
  }
  EXPECT_THAT(Ask("GET http://a/hello/x HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Ask("GET /hello/x HTTP/1.0\r\n\r\n"), HasSubstr("hello x"));
}

TEST_F(HttpServerTest, HugeHeadersAreRefused) {
  Serve();
  EXPECT_THAT(Ask("GET /hello/a HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(Ask("GET /" + std::string(200'000, 'x')), StartsWith("HTTP/1.1 431"));
  std::string many = "GET /hello/a HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 5000; ++i) many += "X" + std::to_string(i) + ": y\r\n";
  EXPECT_THAT(Ask(many + "\r\n"), StartsWith("HTTP/1.1 431"));
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Serve();
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += "GET /hello/" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  requests += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  requests += "GET /hello/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const auto answers = Ask(requests);
  EXPECT_EQ(Count(answers, "HTTP/1.1 200 OK"), 52U);
  size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = answers.find("hello " + std::to_string(i), at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_LT(answers.find("abc", at), answers.find("hello last", at));
}

TEST_F(HttpServerTest, AfterABodyThatNobodyReadTheConnectionEnds) {
  Serve();
  const auto answer =
      Ask("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nGET /hello/smuggled HTTP/1.1\r\n");
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_EQ(Count(answer, "HTTP/1.1"), 1U);
}

TEST_F(HttpServerTest, StreamedAnswers) {
  Serve();
  EXPECT_EQ(Send("/count?pieces=3").body, "piece 0\npiece 1\npiece 2\n");
  EXPECT_EQ(Send("/count?pieces=0").body, "");
  EXPECT_EQ(Send("/hello/a").body, "hello a");
  EXPECT_THAT(Ask("GET /count HTTP/1.0\r\n\r\n"), testing::EndsWith("\r\n\r\npiece 0\npiece 1\npiece 2\n"));
  EXPECT_THROW(Send("/break"), HttpFailure);  // it ends without its last chunk
}

TEST_F(HttpServerTest, AStreamEndsWhenItsClientGoes) {
  std::promise<int> wrote;
  Route("GET", "/endless", [&](HttpCall&) {
    auto reply = Text("");
    reply.stream = [&](HttpReplyStream& out) {
      int pieces = 0;
      while (out.Write(std::string(10'000, 'x'))) ++pieces;
      wrote.set_value(pieces);
    };
    return reply;
  });
  Serve();
  {
    RawClient client(server_->port());
    client.Send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    client.Receive("xxx");
  }
  EXPECT_GT(wrote.get_future().get(), 0);
}

TEST_F(HttpServerTest, AClientThatDoesNotReadHoldsBackTheStreamAndIsDropped) {
  std::atomic<int64_t> written = 0;
  std::promise<void> ended;
  Route("GET", "/endless", [&](HttpCall&) {
    auto reply = Text("");
    reply.stream = [&](HttpReplyStream& out) {
      const std::string piece(65'536, 'x');
      while (out.Write(piece)) written += 65'536;
      ended.set_value();
    };
    return reply;
  });
  HttpServerOptions options;
  options.piece_time = milliseconds(300);
  Serve(options);
  RawClient client(server_->port());
  client.Send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
  ended.get_future().wait();
  EXPECT_LT(written, int64_t{64} << 20);  // what sockets of both sides hold, and no more
}

TEST_F(HttpServerTest, FailuresBecomeStatuses) {
  Serve();
  const auto refused = Send("/refuse");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("retry-after"), "7");
  EXPECT_EQ(refused.body, "{\"error_code\":429,\"message\":\"slower\"}\n");
  const auto failed = Send("/fail");
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.body.find("inner detail"), std::string::npos);
  const auto injected = Send("/inject");
  EXPECT_EQ(injected.header("set-cookie"), std::nullopt);
}

TEST_F(HttpServerTest, ARouteTakesOnlySoManyAtOnce) {
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::atomic<int> under_way = 0;
  Route(
      "GET", "/wait",
      [&](HttpCall&) {
        ++under_way;
        released.wait();
        return Text("done");
      },
      0, 2);
  Serve();
  std::vector<std::future<int>> waiting;
  for (int i = 0; i < 2; ++i) waiting.push_back(std::async(std::launch::async, [&] { return Send("/wait").status; }));
  while (under_way < 2) std::this_thread::sleep_for(milliseconds(1));
  const auto busy = Send("/wait");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.header("retry-after"), "1");
  EXPECT_EQ(Send("/hello/a").status, 200);  // other routes are not held up
  release.set_value();
  for (auto& each : waiting) EXPECT_EQ(each.get(), 200);
  EXPECT_EQ(Send("/wait").status, 200);
}

TEST_F(HttpServerTest, SocketsThatNeverAskLockNobodyOut) {
  HttpServerOptions options;
  options.connections_max = 20;
  Serve(options);
  const double before = Ended(HttpEndCause::kMadeRoom);
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(std::make_unique<RawClient>(server_->port()));
    slow.back()->Send("GET /hello/a HTTP/1.1\r\nX-Slow: ");
    if (i % 20 == 0) {
      EXPECT_EQ(Send("/hello/a").status, 200);
    }
  }
  // The kernel has taken them before the server has.
  for (int i = 0; i < 3000 && Ended(HttpEndCause::kMadeRoom) < before + 170; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_LE(server_->connections(), 22);
  EXPECT_GE(Ended(HttpEndCause::kMadeRoom), before + 170);
}

TEST_F(HttpServerTest, WhenEveryConnectionWorksTheNextIsTurnedAway) {
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::atomic<int> under_way = 0;
  Route("GET", "/wait", [&](HttpCall&) {
    ++under_way;
    released.wait();
    return Text("done");
  });
  HttpServerOptions options;
  options.connections_max = 3;
  Serve(options);
  std::vector<std::unique_ptr<RawClient>> busy;
  for (int i = 0; i < 3; ++i) {
    busy.push_back(std::make_unique<RawClient>(server_->port()));
    busy.back()->Send("GET /wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  }
  while (under_way < 3) std::this_thread::sleep_for(milliseconds(1));
  const double before = Ended(HttpEndCause::kTooMany);
  RawClient late(server_->port());
  while (Ended(HttpEndCause::kTooMany) == before) std::this_thread::sleep_for(milliseconds(1));
  // It sends its request in two pieces after it was turned away, and still gets to read why.
  EXPECT_TRUE(late.Send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"));
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_TRUE(late.Send("abc"));
  EXPECT_THAT(late.Receive(), StartsWith("HTTP/1.1 503"));
  release.set_value();
  for (auto& each : busy) EXPECT_THAT(each->Receive(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ASlowHeaderIsCutOff) {
  HttpServerOptions options;
  options.header_time = milliseconds(300);
  Serve(options);
  const double before = Ended(HttpEndCause::kTimeout);
  RawClient silent(server_->port());
  RawClient dripping(server_->port());
  for (int i = 0; i < 100 && dripping.Send("G"); ++i) std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(silent.Receive(), "");
  EXPECT_GE(Ended(HttpEndCause::kTimeout), before + 2);
}

TEST_F(HttpServerTest, ASlowBodyIsCutOff) {
  HttpServerOptions options;
  options.piece_time = milliseconds(200);
  Serve(options);
  RawClient stalled(server_->port());
  stalled.Send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
  // The socket is closed with the time-out; whether the answer still gets out is chance.
  stalled.Receive();
  options.piece_time = seconds(10);
  options.body_time = milliseconds(300);
  Serve(options);
  RawClient dripping(server_->port());
  dripping.Send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
  int sent = 0;
  for (; sent < 500 && dripping.Send("x"); ++sent) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_LT(sent, 500);
}

TEST_F(HttpServerTest, TheGuardIsAskedFirst) {
  std::atomic<int> handled = 0;
  Route(
      "POST", "/guarded",
      [&](HttpCall&) {
        ++handled;
        return Text("in");
      },
      100);
  std::string route_seen;
  server_ = std::make_unique<HttpServer>(
      HttpServerOptions{}, routes_,
      [&](const HttpCall& call) -> std::optional<HttpReply> {
        route_seen = call.route == nullptr ? "none" : call.route->pattern;
        if (call.header("X-Pass")) return std::nullopt;
        return ErrorReply(401, "no");
      },
      [](const HttpCall&, HttpReply& reply) {
        reply.headers.push_back({"X-Finished", "yes"});
      });
  const auto refused = Send("/guarded", "POST", "body");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.header("x-finished"), "yes");
  EXPECT_EQ(handled, 0);
  EXPECT_EQ(route_seen, "/guarded");
  EXPECT_EQ(Send("/nothing").status, 401);
  EXPECT_EQ(route_seen, "none");
}

TEST_F(HttpServerTest, StoppingLetsAnswersFinish) {
  std::promise<void> entered;
  std::promise<void> release;
  Route("GET", "/wait", [&](HttpCall&) {
    entered.set_value();
    release.get_future().wait();
    return Text("finished");
  });
  Serve();
  RawClient idle(server_->port());
  auto answer = std::async(std::launch::async, [&] { return Send("/wait"); });
  entered.get_future().wait();
  const auto port = server_->port();
  auto stopped = std::async(std::launch::async, [&] { server_->Stop(seconds(20)); });
  EXPECT_EQ(idle.Receive(), "");  // idle connections end at once
  while (RawClient(port).connected()) std::this_thread::sleep_for(milliseconds(5));
  release.set_value();
  EXPECT_EQ(answer.get().body, "finished");
  stopped.get();
}

TEST_F(HttpServerTest, StoppingTellsEndlessAnswers) {
  Route("GET", "/endless", [](HttpCall& call) {
    auto reply = Text("");
    reply.stream = [stopping = call.stopping](HttpReplyStream& out) {
      while (!stopping.stop_requested() && out.Write("x")) std::this_thread::sleep_for(milliseconds(1));
    };
    return reply;
  });
  Serve();
  RawClient client(server_->port());
  client.Send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
  client.Receive("x");
  server_->Stop(seconds(20));
  EXPECT_THAT(client.Receive(), testing::EndsWith("0\r\n\r\n"));
}

TEST_F(HttpServerTest, AnAddressInUseIsSaid) {
  Serve();
  HttpServerOptions options;
  options.port = server_->port();
  try {
    const HttpServer second(options, routes_, nullptr, nullptr);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr("in use"));
  }
}

class HttpTlsTest : public HttpServerTest {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("millrace-tls-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    const auto command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
        "-addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout " +
        (folder_ / "key.pem").string() + " -out " + (folder_ / "cert.pem").string() + " 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  HttpServerOptions Tls() {
    HttpServerOptions options;
    options.certificate_file = folder_ / "cert.pem";
    options.key_file = folder_ / "key.pem";
    return options;
  }
  std::filesystem::path folder_;
};

TEST_F(HttpTlsTest, ServesOverTls) {
  Serve(Tls());
  const HttpClient::Options options{.user_agent = "t", .ca_file = folder_ / "cert.pem", .use_proxy_variables = false};
  HttpClient client(options);
  HttpRequest request;
  request.url = "https://localhost:" + std::to_string(server_->port()) + "/hello/tls";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Send(request).body, "hello tls");
  request.url = "https://localhost:" + std::to_string(server_->port()) + "/count?pieces=2000";
  EXPECT_EQ(Count(client.Send(request).body, "piece"), 2000U);
  request.method = "POST";
  request.url = "https://localhost:" + std::to_string(server_->port()) + "/echo";
  const std::string body(900'000, 'y');
  request.body = body;
  EXPECT_EQ(client.Send(request).body, body);
}

TEST_F(HttpTlsTest, ClientsWithoutTlsAndOldOnesGetNothing) {
  Serve(Tls());
  const double before = Ended(HttpEndCause::kTls);
  EXPECT_EQ(Ask("GET /hello/a HTTP/1.1\r\nHost: a\r\n\r\n").find("hello"), std::string::npos);
  const auto port = std::to_string(server_->port());
  EXPECT_NE(
      std::system(("curl -sk --max-time 10 --tls-max 1.1 https://127.0.0.1:" + port + "/hello/a >/dev/null").c_str()),
      0);
  // A client sees the end before the server has written it down.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (Ended(HttpEndCause::kTls) < before + 2 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_GE(Ended(HttpEndCause::kTls), before + 2);
}

TEST_F(HttpTlsTest, FilesThatAreNoneAreSaid) {
  auto options = Tls();
  options.key_file = folder_ / "cert.pem";
  EXPECT_THROW(HttpServer(options, routes_, nullptr, nullptr), Error);
  options = Tls();
  options.certificate_file = folder_ / "missing.pem";
  EXPECT_THROW(HttpServer(options, routes_, nullptr, nullptr), Error);
}

TEST(HttpRoutesTest, LiteralsGoBeforeParameters) {
  HttpRoutes routes;
  const auto add = [&](const char* pattern) { routes.Add({.method = "GET", .pattern = pattern, .handler = {}}); };
  for (const auto* pattern : {"/a/{x}", "/a/b", "/a/{x}/c", "/rest/{path*}"}) add(pattern);
  EXPECT_EQ(routes.Find("GET", "/a/b").route->pattern, "/a/b");
  EXPECT_EQ(routes.Find("GET", "/a/z").parameters.at("x"), "z");
  EXPECT_EQ(routes.Find("GET", "/a/z/c").route->pattern, "/a/{x}/c");
  EXPECT_EQ(routes.Find("GET", "/rest/a/b%2Fc/d").parameters.at("path"), "a/b%2Fc/d");
  EXPECT_EQ(routes.Find("GET", "/a/").route, nullptr);
  EXPECT_THROW(add("/a/{y}"), Error);
  EXPECT_THROW(add("/{rest*}/x"), Error);
}

TEST(HttpRoutesTest, Queries) {
  const auto query = ParseQuery("a=1&b=x+y%26&c&=d&a=2");
  ASSERT_TRUE(query);
  EXPECT_EQ(*query,
            (std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", "x y&"}, {"c", ""}, {"a", "2"}}));
  EXPECT_EQ(ParseQuery("a=%0"), std::nullopt);
}

TEST(HandlerThreadsTest, RunsAsManyAsWaitAtOnce) {
  std::atomic<int> running = 0;
  std::promise<void> release;
  const auto released = release.get_future().share();
  HandlerThreads threads(milliseconds(5));
  for (int i = 0; i < 30; ++i) {
    threads.Run([&] {
      ++running;
      released.wait();
    });
  }
  while (running < 30) std::this_thread::sleep_for(milliseconds(1));
  release.set_value();
  for (int i = 0; i < 200; ++i) {
    threads.Run([&] { ++running; });
    if (i % 50 == 0) std::this_thread::sleep_for(milliseconds(12));
  }
  while (running < 230) std::this_thread::sleep_for(milliseconds(1));
}

}  // namespace
}  // namespace millrace::io
