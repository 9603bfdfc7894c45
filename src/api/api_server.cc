#include "api/api_server.h"

#include <fmt/format.h>

#include <utility>

#include "api/console_routes.h"
#include "api/observe_routes.h"
#include "api/registry_routes.h"
#include "api/session_routes.h"
#include "base/error.h"

namespace millrace::api {
namespace {

io::HttpServerOptions Checked(const ApiOptions& options) {
  const bool tls = !options.http.certificate_file.empty();
  if (!IsLoopback(options.http.address) && (!tls || options.tokens.empty())) {
    throw Error(ErrorCode::kConfig,
                fmt::format("listening on {} opens the server to other machines: give it a certificate and a token, or "
                            "listen on 127.0.0.1",
                            options.http.address));
  }
  return options.http;
}

io::HttpRoutes MakeRoutes(const ApiOptions& options, Observation& observation, const Door& door) {
  io::HttpRoutes routes;
  AddObserveRoutes(routes, observation, door);
  if (options.registry != nullptr) AddRegistryRoutes(routes, *options.registry);
  if (options.add_routes) options.add_routes(routes);
  AddSessionRoutes(routes, door);
  AddConsoleRoutes(routes, door);
  return routes;
}

}  // namespace

ApiServer::ApiServer(ApiOptions options, Observation& observation)
    : http_(Checked(options)),
      door_({.address = http_.address, .hosts = std::move(options.hosts), .tokens = std::move(options.tokens)}),
      routes_(MakeRoutes(options, observation, door_)),
      server_(
          http_, routes_,
          [this](const io::HttpCall& call, const io::HttpRoute* route) { return door_.Refuse(call, route); },
          AddSecurityHeaders) {}

std::string ApiServer::url() const {
  const auto& address = http_.address;
  return fmt::format("{}://{}:{}", http_.certificate_file.empty() ? "http" : "https",
                     address.find(':') == std::string::npos ? address : "[" + address + "]", server_.port());
}

}  // namespace millrace::api
