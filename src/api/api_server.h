#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/audit_log.h"
#include "api/door.h"
#include "api/issuer_keys.h"
#include "api/observation.h"
#include "api/oidc_issuer.h"
#include "io/http_server.h"
#include "schema/registry/store.h"

namespace millrace::api {

struct ApiOptions {
  io::HttpServerOptions http;
  DoorOptions door;                                // its address is that of `http`
  std::optional<OidcOptions> oidc = std::nullopt;  // an issuer of tokens, asked for its keys over HTTPS
  std::string oidc_ca_file = {};                   // empty: the system's
  std::optional<AuditOptions> audit = std::nullopt;
  schema::RegistryStore* registry = nullptr;                  // served when given; outlives the server
  std::function<void(io::HttpRoutes&)> add_routes = nullptr;  // of others; what they refer to outlives the server
};

/// The HTTP listener of a pipeline with every route it has. Borrows what it shows.
class ApiServer {
 public:
  /// Listens when it returns. Error kConfig when it would listen beyond loopback without TLS and a lock: a token, a
  /// certificate, an issuer.
  ApiServer(ApiOptions options, Observation& observation);

  /// "http://127.0.0.1:8080".
  std::string url() const;
  /// Requests under way may finish within `patience`.
  void Stop(std::chrono::milliseconds patience) { server_.Stop(patience); }

 private:
  std::optional<io::HttpReply> Admit(io::HttpCall& call);
  void Finish(const io::HttpCall& call, io::HttpReply& reply);

  const io::HttpServerOptions http_;
  std::unique_ptr<IssuerKeys> issuer_keys_;  // null: there is no issuer
  std::unique_ptr<OidcIssuer> issuer_;
  Door door_;
  std::unique_ptr<AuditLog> audit_;  // null: none is kept
  io::HttpRoutes routes_;
  io::HttpServer server_;
};

}  // namespace millrace::api
