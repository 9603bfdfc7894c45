#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "io/test_http_server.h"

namespace millrace::io {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

/// What a route is that reads a body before it takes a place.
HttpRoute Buffered(const std::string& pattern, HttpHandler handler, int64_t body_bytes_max) {
  HttpRoute route;
  route.method = "POST";
  route.pattern = pattern;
  route.handler = std::move(handler);
  route.body_bytes_max = body_bytes_max;
  route.buffered = true;
  route.in_flight_max = 1;
  return route;
}

class HttpBodyTest : public HttpServerTest {};

TEST_F(HttpBodyTest, BodiesThatComeSlowlyHoldNoPlaceAndGoFirst) {
  routes_.Add(Buffered(
      "/take", [](HttpCall& call) { return Text(std::to_string(call.body->ReadAll().size())); }, 1 << 20));
  HttpServerOptions options;
  options.connections_max = 20;
  Serve(options);
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(std::make_unique<RawClient>(server_->port()));
    slow.back()->Send("POST /take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n1");
  }
  std::this_thread::sleep_for(milliseconds(1100));
  for (int i = 0; i < 20; ++i) {
    RawClient client(server_->port());
    client.Send("POST /take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n");
    client.Send(std::string(200'000, 'x'));
    EXPECT_THAT(client.Receive(), HasSubstr("200000"));
  }
}

TEST_F(HttpBodyTest, BodiesBelowTheLowestSpeedAreCut) {
  routes_.Add(Buffered(
      "/take", [](HttpCall&) { return Text("all"); }, 1 << 20));
  HttpServerOptions options;
  options.body_time = milliseconds(300);
  Serve(options);
  RawClient client(server_->port());
  EXPECT_THAT(client.Ask("POST /take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1"),
              testing::Not(HasSubstr("200 OK")));
}

TEST_F(HttpBodyTest, BytesOfBodiesAreBounded) {
  std::latch held(2);
  std::latch enough(1);
  std::atomic<bool> waits = false;
  auto route = Buffered(
      "/take",
      [&](HttpCall& call) {
        if (waits) {
          held.count_down();
          enough.wait();
        }
        return Text(std::to_string(call.body->ReadAll().size()));
      },
      100'000);
  route.in_flight_max = 3;
  routes_.Add(std::move(route));
  HttpServerOptions options;
  options.buffered_bytes_max = 1000;
  Serve(options);
  const auto take = [&](size_t bytes) {
    RawClient client(server_->port());
    client.Send("POST /take HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " +
                std::to_string(bytes) + "\r\n\r\n");
    client.Send(std::string(bytes, 'x'));
    return client.Receive();
  };
  for (int i = 0; i < 5; ++i) EXPECT_THAT(take(100'000), HasSubstr("100000")) << "what the route takes has room";
  waits = true;
  std::vector<std::jthread> others;
  for (int i = 0; i < 2; ++i) others.emplace_back([&] { EXPECT_THAT(take(90'000), HasSubstr("90000")); });
  held.wait();
  waits = false;
  EXPECT_THAT(take(90'000), testing::AllOf(HasSubstr("429"), HasSubstr("Retry-After: 1")));
  EXPECT_THAT(take(10'000), HasSubstr("10000"));
  enough.count_down();
}

}  // namespace
}  // namespace millrace::io
