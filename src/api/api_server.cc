#include "api/api_server.h"

#include <fmt/format.h>

#include <utility>

#include "api/console_routes.h"
#include "api/observe_routes.h"
#include "api/openapi_route.h"
#include "api/registry_routes.h"
#include "api/session_routes.h"
#include "base/error.h"
#include "io/ip_range.h"

namespace millrace::api {
namespace {

io::HttpServerOptions Checked(const ApiOptions& options) {
  const auto& door = options.door;
  const bool tls = !options.http.certificate_file.empty();
  const bool locked = !door.tokens.empty() || !door.certificates.empty() || options.oidc;
  if (!io::IsLoopback(options.http.address) && (!tls || !locked)) {
    throw Error(ErrorCode::kConfig,
                fmt::format("listening on {} opens the server to other machines: give it a certificate and a token, or "
                            "listen on 127.0.0.1",
                            options.http.address));
  }
  return options.http;
}

DoorOptions DoorOf(DoorOptions options, const std::string& address, TokenIssuer* issuer) {
  options.address = address;
  options.issuer = issuer;
  return options;
}

std::unique_ptr<IssuerKeys> KeysOf(const ApiOptions& options) {
  if (!options.oidc) return nullptr;
  return std::make_unique<IssuerKeys>(
      IssuerKeys::Options{.issuer = options.oidc->issuer, .ca_file = options.oidc_ca_file});
}

std::unique_ptr<OidcIssuer> IssuerOf(const ApiOptions& options, IssuerKeys* keys) {
  if (keys == nullptr) return nullptr;
  return std::make_unique<OidcIssuer>(*options.oidc, OidcIssuer::Keys{.get = [keys] { return keys->Get(); },
                                                                      .renew = [keys] { return keys->Renew(); }});
}

io::HttpRoutes MakeRoutes(const ApiOptions& options, Observation& observation, const Door& door) {
  io::HttpRoutes routes;
  AddObserveRoutes(routes, observation);
  if (options.registry != nullptr) AddRegistryRoutes(routes, *options.registry);
  if (options.add_routes) options.add_routes(routes);
  AddSessionRoutes(routes, door);
  AddConsoleRoutes(routes, door);
  AddOpenApiRoute(routes);
  return routes;
}

}  // namespace

ApiServer::ApiServer(ApiOptions options, Observation& observation)
    : http_(Checked(options)),
      issuer_keys_(KeysOf(options)),
      issuer_(IssuerOf(options, issuer_keys_.get())),
      door_(DoorOf(options.door, http_.address, issuer_.get())),
      audit_(options.audit ? std::make_unique<AuditLog>(*options.audit) : nullptr),
      routes_(MakeRoutes(options, observation, door_)),
      server_(
          http_, routes_, [this](io::HttpCall& call) { return Admit(call); },
          [this](const io::HttpCall& call, io::HttpReply& reply) { Finish(call, reply); }) {}

std::optional<io::HttpReply> ApiServer::Admit(io::HttpCall& call) {
  if (auto refusal = door_.Refuse(call)) return refusal;
  if (audit_ && audit_->IsWanted(call) && !audit_->IsWritable()) {
    return io::ErrorReply(503, "nothing may be changed while the audit log cannot be written; the log says why");
  }
  return std::nullopt;
}

void ApiServer::Finish(const io::HttpCall& call, io::HttpReply& reply) {
  AddSecurityHeaders(call, reply);
  if (audit_ && audit_->IsWanted(call)) audit_->Write(call, reply.status);
}

std::string ApiServer::url() const {
  const auto& address = http_.address;
  return fmt::format("{}://{}:{}", http_.certificate_file.empty() ? "http" : "https",
                     address.find(':') == std::string::npos ? address : "[" + address + "]", server_.port());
}

}  // namespace millrace::api
