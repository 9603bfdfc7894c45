#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "io/http_call.h"
#include "io/http_routes.h"

namespace millrace::io {

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // an IP address
  uint16_t port = 0;                  // 0: one that is free
  std::string certificate_file;       // PEM, with its chain; given together with the key: TLS 1.2 or newer
  std::string key_file;
  std::string client_ca_file;  // PEM; given: clients are asked for a certificate of one of these
  bool client_certificate_required = false;
  std::string client_crl_file;  // PEM; given: those of its lists come in no more. Read anew when it changes

  int connections_max = 1024;
  uint32_t header_bytes_max = 16 << 10;
  /// From the first byte of a request, or a new connection's first moment, to the end of its header.
  std::chrono::milliseconds header_time{10'000};
  std::chrono::milliseconds idle_time{60'000};  // between requests of one connection
  /// Between two pieces of a body that arrives or leaves; a piece is at most 64 KiB.
  std::chrono::milliseconds piece_time{20'000};
  std::chrono::milliseconds body_time{300'000};  // for all of a body that arrives
  // Of bodies that are read before their handler starts:
  // Held at a time; more is told 429 with Retry-After. Two of the largest that a route takes always have room.
  int64_t buffered_bytes_max = int64_t{64} << 20;
  int64_t body_rate_min = 1024;  // bytes a second on average, after five seconds
};

/// Serves HTTP/1.1. One thread moves bytes for all connections; handlers run in threads of their own and may block.
/// A connection is answered in order, one request at a time. When connections_max is reached, the connection that has
/// waited longest for its first request makes room, or else the one that has been idle longest: sockets which never
/// send a request lock nobody out, and cost no client that does its connection. After them go bodies that have been
/// on their way for more than a second.
///
/// Routes, guard and what they refer to outlive it. Thread-safe.
class HttpServer {
 public:
  /// Asked about each request before anything of its body is read; a reply refuses it. Says in the call who comes. Runs
  /// in the thread of all connections: it must not block.
  using Guard = std::function<std::optional<HttpReply>(HttpCall& call)>;
  /// What every reply is given that goes out, refusals among them; once for each. In any thread.
  using Finish = std::function<void(const HttpCall& call, HttpReply& reply)>;

  /// Listens when it returns. Error kUnavailable when the address is taken, kConfig when address, certificate or key
  /// cannot be used.
  HttpServer(HttpServerOptions options, const HttpRoutes& routes, Guard guard, Finish finish);
  /// Stops at once.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  int connections() const;

  /// Takes no more connections or requests; those under way may finish within `patience`, then they are cut.
  void Stop(std::chrono::milliseconds patience);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::io
