#include "app/server_options.h"

#include <arpa/inet.h>

#include <charconv>

#include "app/config_words.h"

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

api::ApiOptions ApiOptionsFor(const ServerConfig& server) {
  api::ApiOptions options;
  const auto listen = ParseListen(server.listen).value_or(ListenAddress{});
  options.http.address = listen.address;
  options.http.port = listen.port;
  options.http.connections_max = static_cast<int>(server.connections_max);
  if (server.tls) {
    options.http.certificate_file = server.tls->certificate.value;
    options.http.key_file = server.tls->key.value;
  }
  options.hosts = server.hosts;
  for (const auto& [name, grant] : server.tokens) {
    api::TokenGrant given{.name = name, .token = grant.token.Reveal(), .roles = {}};
    for (const auto role : grant.roles) given.roles.push_back(config::ValueParser<RoleWord>::Print(role));
    options.tokens.push_back(std::move(given));
  }
  return options;
}

}  // namespace millrace::app
