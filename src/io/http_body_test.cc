#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
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
  routes_.Add(Buffered(
      "/take", [](HttpCall& call) { return Text(std::to_string(call.body->ReadAll().size())); }, 1 << 20));
  HttpServerOptions options;
  options.buffered_bytes_max = 100'000;
  Serve(options);
  const auto take = [&](size_t bytes) {
    RawClient client(server_->port());
    client.Send("POST /take HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " +
                std::to_string(bytes) + "\r\n\r\n");
    client.Send(std::string(bytes, 'x'));
    return client.Receive();
  };
  EXPECT_THAT(take(300'000), testing::AllOf(HasSubstr("429"), HasSubstr("Retry-After: 1")));
  for (int i = 0; i < 5; ++i) EXPECT_THAT(take(90'000), HasSubstr("90000")) << "what was held is given back";
}

}  // namespace
}  // namespace millrace::io
