#include "app/server_options.h"

#include <arpa/inet.h>

#include <charconv>

#include "app/door_blocks.h"

namespace millrace::app {

std::optional<ListenAddress> ParseListen(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  ListenAddress listen{.address = text.substr(0, colon), .port = 0};
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + colon + 1, last, listen.port);
  if (error != std::errc() || end != last) return std::nullopt;
  if (listen.address == "localhost") listen.address = "127.0.0.1";
  const bool bracketed = listen.address.starts_with('[') && listen.address.ends_with(']');
  if (bracketed) listen.address = listen.address.substr(1, listen.address.size() - 2);
  in6_addr parsed{};
  if (inet_pton(bracketed ? AF_INET6 : AF_INET, listen.address.c_str(), &parsed) != 1) return std::nullopt;
  return listen;
}

namespace {

void AddTls(api::ApiOptions& options, const ServerTlsConfig& tls) {
  options.http.certificate_file = tls.certificate.value;
  options.http.key_file = tls.key.value;
  if (tls.client_ca) options.http.client_ca_file = tls.client_ca->value;
  if (tls.client_crl) options.http.client_crl_file = tls.client_crl->value;
  options.http.client_certificate_required = tls.client_certificates == ClientCertificateWord::kRequired;
  for (const auto& [name, client] : tls.clients) {
    options.door.certificates.push_back(
        {.name = name, .certificate_name = client.certificate, .roles = RoleNames(client.roles)});
  }
}

void AddIssuer(api::ApiOptions& options, const OidcConfig& oidc) {
  options.oidc = {.issuer = oidc.issuer,
                  .audience = oidc.audience,
                  .roles_claim = oidc.roles_claim,
                  .name_claim = oidc.name_claim,
                  .roles = {},
                  .leeway = std::chrono::ceil<std::chrono::seconds>(oidc.leeway)};
  for (const auto& [word, roles] : oidc.roles) options.oidc->roles.emplace(word, RoleNames(roles));
  if (oidc.ca) options.oidc_ca_file = oidc.ca->value;
}

void AddTokens(api::DoorOptions& door, const std::map<std::string, ServerTokenConfig>& tokens) {
  for (const auto& [name, grant] : tokens) {
    door.tokens.push_back({.name = name,
                           .hash = grant.token ? grant.token->hash : grant.hash.value_or(api::TokenHash{}),
                           .roles = RoleNames(grant.roles),
                           .expires = grant.expires,
                           .requests_per_second = static_cast<double>(grant.requests_per_second)});
  }
}

}  // namespace

api::ApiOptions ApiOptionsFor(const ServerConfig& server) {
  api::ApiOptions options;
  const auto listen = ParseListen(server.listen).value_or(ListenAddress{});
  options.http.address = listen.address;
  options.http.port = listen.port;
  options.http.connections_max = static_cast<int>(server.connections_max);
  if (server.tls) AddTls(options, *server.tls);
  options.door.hosts = server.hosts;
  options.door.failures_per_minute = static_cast<double>(server.limits.failures_per_minute);
  options.door.client_requests_per_second = static_cast<double>(server.limits.requests_per_second);
  AddTokens(options.door, server.tokens);
  if (server.oidc) AddIssuer(options, *server.oidc);
  if (const auto& audit = server.audit) {
    options.audit = {.file = audit->file ? audit->file->value : std::string(),
                     .file_bytes_max = audit->file_size.bytes,
                     .files_max = static_cast<int>(audit->files),
                     .with_events = audit->events};
  }
  return options;
}

}  // namespace millrace::app
