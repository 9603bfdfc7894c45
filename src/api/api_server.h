#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "api/door.h"
#include "api/observation.h"
#include "io/http_server.h"
#include "schema/registry/store.h"

namespace millrace::api {

struct ApiOptions {
  io::HttpServerOptions http;
  std::vector<std::string> hosts;
  std::vector<TokenGrant> tokens;
  schema::RegistryStore* registry = nullptr;                  // served when given; outlives the server
  std::function<void(io::HttpRoutes&)> add_routes = nullptr;  // of others; what they refer to outlives the server
};

/// The HTTP listener of a pipeline with every route it has. Borrows what it shows.
class ApiServer {
 public:
  /// Listens when it returns. Error kConfig when it would listen beyond loopback without TLS and a token.
  ApiServer(ApiOptions options, Observation& observation);

  /// "http://127.0.0.1:8080".
  std::string url() const;
  /// Requests under way may finish within `patience`.
  void Stop(std::chrono::milliseconds patience) { server_.Stop(patience); }

 private:
  const io::HttpServerOptions http_;
  const Door door_;
  io::HttpRoutes routes_;
  io::HttpServer server_;
};

}  // namespace millrace::api
