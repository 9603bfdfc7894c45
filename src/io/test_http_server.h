#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "io/http_client.h"
#include "io/http_events.h"
#include "io/http_server.h"

namespace millrace::io {

/// A client that sends what it is told, well-formed or not.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    const timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  bool Send(std::string_view bytes) {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  void ShutDown() { ::shutdown(socket_, SHUT_WR); }
  /// What comes until the server closes, or until `end` has come.
  std::string Receive(std::string_view end = {}) {
    std::string all;
    char piece[4096];
    while (end.empty() || all.find(end) == std::string::npos) {
      const auto size = ::recv(socket_, piece, sizeof piece, 0);
      if (size <= 0) break;
      all.append(piece, static_cast<size_t>(size));
    }
    return all;
  }
  std::string Ask(std::string_view request) {
    Send(request);
    return Receive();
  }

 private:
  int socket_;
  bool connected_ = false;
};

/// A server with some routes, started by Serve.
class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    Route("GET", "/hello/{name}", [](HttpCall& call) { return Text("hello " + call.parameters.at("name")); });
    Route(
        "POST", "/echo", [](HttpCall& call) { return Text(call.body->ReadAll()); }, 1 << 20);
    Route(
        "POST", "/ignore", [](HttpCall&) { return Text("done"); }, 1 << 20);
    Route("GET", "/count", [](HttpCall& call) {
      auto reply = Text("");
      const int pieces = std::stoi(std::string(call.QueryValue("pieces").value_or("3")));
      reply.stream = [pieces](HttpReplyStream& out) {
        for (int i = 0; i < pieces && out.Write("piece " + std::to_string(i) + "\n"); ++i) {
        }
      };
      return reply;
    });
    Route("GET", "/break", [](HttpCall&) {
      auto reply = Text("");
      reply.stream = [](HttpReplyStream& out) {
        out.Write("a beginning");
        throw Error(ErrorCode::kUnavailable, "no end");
      };
      return reply;
    });
    Route("GET", "/refuse", [](HttpCall&) -> HttpReply { throw HttpRefusal(429, "slower", {{"Retry-After", "7"}}); });
    Route("GET", "/fail", [](HttpCall&) -> HttpReply { throw std::runtime_error("inner detail"); });
    Route("GET", "/inject", [](HttpCall&) {
      auto reply = Text("");
      reply.headers.push_back({"X-Name", "a\r\nSet-Cookie: b"});
      return reply;
    });
  }

  static HttpReply Text(std::string body) {
    return {.status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = std::move(body), .stream = {}};
  }
  void Route(const char* method, const char* pattern, HttpHandler handler, int64_t body_bytes_max = 0,
             int in_flight_max = 16) {
    routes_.Add({.method = method,
                 .pattern = pattern,
                 .handler = std::move(handler),
                 .body_bytes_max = body_bytes_max,
                 .in_flight_max = in_flight_max});
  }
  void Serve(HttpServerOptions options = {}) {
    server_ = std::make_unique<HttpServer>(std::move(options), routes_, nullptr, nullptr);
  }
  HttpResponse Send(const std::string& path, const char* method = "GET", std::string_view body = {}) {
    HttpRequest request;
    request.method = method;
    request.url = "http://127.0.0.1:" + std::to_string(server_->port()) + path;
    request.body = body;
    return client_.Send(request);
  }
  std::string Ask(std::string_view request) { return RawClient(server_->port()).Ask(request); }
  static double Ended(HttpEndCause cause) { return Metrics::Process().Value(kHttpConnectionsEnded, {ToString(cause)}); }

  HttpRoutes routes_;
  HttpClient client_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace millrace::io
