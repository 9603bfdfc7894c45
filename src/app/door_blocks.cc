#include "app/door_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "app/config_checks.h"
#include "app/server_options.h"
#include "io/ip_range.h"

namespace millrace::config {

// Frozen: they stand in people's files.
template <>
struct Choices<app::RoleWord> {
  static constexpr std::array<std::pair<std::string_view, app::RoleWord>, 5> kWords = {
      {{"read", app::RoleWord::kRead},
       {"ingest", app::RoleWord::kIngest},
       {"operate", app::RoleWord::kOperate},
       {"query", app::RoleWord::kQuery},
       {"admin", app::RoleWord::kAdmin}}};
};

template <>
struct Choices<app::ClientCertificateWord> {
  static constexpr std::array<std::pair<std::string_view, app::ClientCertificateWord>, 2> kWords = {
      {{"optional", app::ClientCertificateWord::kOptional}, {"required", app::ClientCertificateWord::kRequired}}};
};

/// A secret that is forgotten at once.
template <>
struct ValueParser<app::GivenToken> {
  static std::string Name() { return ValueParser<Secret>::Name(); }
  static std::optional<app::GivenToken> Parse(ParseContext& context, const Node& node, std::string_view path) {
    const auto secret = ValueParser<Secret>::Parse(context, node, path);
    if (!secret) return std::nullopt;
    return app::GivenToken{.hash = api::TokenHash::Of(secret->Reveal()), .characters = secret->Reveal().size()};
  }
  static std::string Print(const app::GivenToken&) { return {}; }
  static nlohmann::json Schema() { return ValueParser<Secret>::Schema(); }
};

template <>
struct ValueParser<api::TokenHash> {
  static std::string Name() { return "hash"; }
  static std::optional<api::TokenHash> Parse(ParseContext& context, const Node& node, std::string_view path) {
    auto hash = node.kind == NodeKind::kScalar ? api::TokenHash::Parse(node.text) : std::nullopt;
    // What was given is not shown: it may be the token itself.
    if (!hash) {
      context.problems.Add(node.mark, fmt::format("{}: expected sha256: and 64 hexadecimal digits, as `millrace token "
                                                  "new` prints them",
                                                  path));
    }
    return hash;
  }
  static std::string Print(const api::TokenHash& hash) { return hash.Print(); }
  static nlohmann::json Schema() { return {{"type", "string"}, {"pattern", "^sha256:[0-9a-fA-F]{64}$"}}; }
};

template <>
struct ValueParser<Timestamp> {
  static std::string Name() { return "time"; }
  static std::optional<Timestamp> Parse(ParseContext& context, const Node& node, std::string_view path) {
    auto time = node.kind == NodeKind::kScalar ? ParseTimestamp(node.text) : std::nullopt;
    if (!time) AddExpected(context, node, path, "a time with its zone, such as 2027-01-31T00:00:00Z");
    return time;
  }
  static std::string Print(Timestamp time) { return FormatTimestamp(time); }
  static nlohmann::json Schema() { return {{"type", "string"}}; }
};

}  // namespace millrace::config

namespace millrace::app {
namespace {

using config::Block;
using config::ByteSize;

constexpr size_t kTokenCharactersMin = 16;
constexpr std::array<std::string_view, 4> kCertificateNames = {"CN:", "DNS:", "URI:", "email:"};

const Block<ServerClientConfig>& ServerClientBlock() {
  static const auto block =
      Block<ServerClientConfig>("A client that comes in by its certificate, by the name it has in the audit log.")
          .Add(&ServerClientConfig::certificate,
               {.name = "certificate",
                .doc = "What the certificate must call it: `CN:loader`, `DNS:loader.example.com`, "
                       "`URI:spiffe://example.com/loader` or `email:ops@example.com`.",
                .required = true})
          .Add(&ServerClientConfig::roles,
               {.name = "roles", .doc = "As those of tokens.", .fallback = std::vector{RoleWord::kRead}});
  return block;
}

void CheckToken(const ServerTokenConfig& grant, const std::string& path, config::ParseContext& context) {
  if (grant.token.has_value() == grant.hash.has_value()) {
    context.problems.Add(grant.mark, fmt::format("{}: give one of hash, token; `millrace token new` makes a token and "
                                                 "prints its hash",
                                                 path));
  } else if (grant.token && grant.token->characters < kTokenCharactersMin) {
    context.problems.Add(grant.mark, fmt::format("{}: a token has at least {} characters; `millrace token new` makes "
                                                 "one",
                                                 path, kTokenCharactersMin));
  }
}

void CheckTls(const ServerTlsConfig& tls, const std::string& path, config::ParseContext& context) {
  if (!tls.client_ca && (!tls.clients.empty() || tls.client_certificates == ClientCertificateWord::kRequired)) {
    context.problems.Add(tls.mark,
                         fmt::format("{}: certificates of clients are checked by {}.client_ca; give it", path, path));
  }
  if (tls.client_crl && !tls.client_ca) {
    context.problems.Add(tls.MarkOf("client_crl"),
                         fmt::format("{0}.client_crl: it belongs to {0}.client_ca, which is not given", path));
  }
  for (const auto& [name, client] : tls.clients) {
    const auto& text = client.certificate;
    if (std::ranges::any_of(kCertificateNames, [&](std::string_view kind) {
          return text.starts_with(kind) && text.size() > kind.size();
        })) {
      continue;
    }
    context.problems.Add(client.MarkOf("certificate"),
                         fmt::format("{}.clients.{}.certificate: expected CN:, DNS:, URI: or email: and a name, found "
                                     "'{}'",
                                     path, name, text));
  }
}

}  // namespace

const Block<ServerTlsConfig>& ServerTlsBlock() {
  static const auto block =
      Block<ServerTlsConfig>("TLS 1.2 or newer. The files are read once, at the start, but for `client_crl`.")
          .Add(&ServerTlsConfig::certificate,
               {.name = "certificate", .doc = "The certificate and its chain, PEM.", .required = true})
          .Add(&ServerTlsConfig::key, {.name = "key", .doc = "Its private key, PEM.", .required = true})
          .Add(&ServerTlsConfig::client_ca,
               {.name = "client_ca",
                .doc = "Certificates of the authorities, PEM, whose clients may come in by their certificates. A "
                       "certificate that is shown is checked."})
          .Add(&ServerTlsConfig::client_crl,
               {.name = "client_crl",
                .doc =
                    "Lists of certificates that were taken back, PEM, one of each authority of `client_ca`. Read anew "
                    "when the file changes; past its next update a list lets nobody in."})
          .Add(&ServerTlsConfig::client_certificates,
               {.name = "client_certificates",
                .doc = "`required`: nobody comes in without one, not even with a token or to the open routes.",
                .fallback = ClientCertificateWord::kOptional})
          .MapOf("clients", &ServerTlsConfig::clients, ServerClientBlock(), "name")
          .Check(CheckTls);
  return block;
}

const Block<ServerTokenConfig>& ServerTokenBlock() {
  static const auto block =
      Block<ServerTokenConfig>(
          "A token that requests may come with, by the name of who has it. `millrace token new` "
          "makes one and prints these lines. Give one of hash, token.")
          .Add(&ServerTokenConfig::hash, {.name = "hash",
                                          .doc = "`sha256:` and the hexadecimal SHA-256 sum of the token: the "
                                                 "configuration then holds nothing that opens the door."})
          .Add(&ServerTokenConfig::token, {.name = "token",
                                           .doc = "The token itself, at least 16 characters. Its sum alone is kept in "
                                                  "memory."})
          .Add(
              &ServerTokenConfig::roles,
              {.name = "roles",
               .doc = "What it is good for: `read` metrics, status, topics and schemas, `ingest` events, `operate` "
                      "changes of connectors, of tables and of the schema registry, `query` SQL over every table. None "
                      "allows another, but `admin` all, and what is left: the level of the log.",
               .fallback = std::vector{RoleWord::kRead}})
          .Add(&ServerTokenConfig::expires, {.name = "expires",
                                             .doc = "It is refused from then on: `2027-01-31T00:00:00Z`. Without it, "
                                                    "never."})
          .Add(&ServerTokenConfig::requests_per_second,
               {.name = "requests_per_second",
                .doc = "More are told 429 with Retry-After; two seconds' worth may come at once. 0: any number.",
                .fallback = 0,
                .min = 0,
                .max = 1'000'000})
          .Check(CheckToken);
  return block;
}

const Block<OidcConfig>& OidcBlock() {
  static const auto block =
      Block<OidcConfig>(
          "Tokens of an OpenID Connect issuer, such as Keycloak, Okta, Entra or Google. Its keys are found "
          "by its discovery document. RS256, PS256, ES256 and EdDSA are taken.")
          .Add(&OidcConfig::issuer,
               {.name = "issuer",
                .doc = "As tokens name it in `iss`, to the last character. https, or http on this machine.",
                .required = true})
          .Add(&OidcConfig::audience,
               {.name = "audience", .doc = "What `aud` of a token must be, or have in it.", .required = true})
          .Add(
              &OidcConfig::roles_claim,
              {.name = "roles_claim",
               .doc =
                   "Where a token has its words: a list, or a text with spaces between them. A path of members such as "
                   "`realm_access.roles`, or the whole name of a claim.",
               .fallback = "roles"})
          .Add(&OidcConfig::name_claim,
               {.name = "name_claim", .doc = "What the audit log calls its owner.", .fallback = "sub"})
          .Add(&OidcConfig::roles,
               {.name = "roles",
                .doc =
                    "What each word stands for: `millrace-admins: [admin]`. `\"*\"` is whoever the issuer knows. Other "
                    "words mean nothing."})
          .Add(&OidcConfig::leeway, {.name = "leeway",
                                     .doc = "How far the issuer's clock may differ.",
                                     .fallback = std::chrono::seconds(60),
                                     .max = std::chrono::minutes(10)})
          .Add(&OidcConfig::ca,
               {.name = "ca", .doc = "Certificates, PEM, by which the issuer is trusted. Without it, the system's."})
          .Check([](const OidcConfig& oidc, const std::string& path, config::ParseContext& context) {
            CheckAddress(oidc, "issuer", oidc.issuer, true, path, context);
            if (oidc.roles.empty()) {
              context.problems.Add(oidc.mark, fmt::format("{}.roles: without it no token is good for anything; give "
                                                          "`roles: {{ \"*\": [read] }}` or words of {}",
                                                          path, oidc.roles_claim));
            }
          });
  return block;
}

const Block<DoorLimitsConfig>& DoorLimitsBlock() {
  static const auto block =
      Block<DoorLimitsConfig>("What one address (of IPv6: one /64 network) may do. Above it come 429 and Retry-After.")
          .Add(&DoorLimitsConfig::failures_per_minute,
               {.name = "failures_per_minute",
                .doc = "Requests with a wrong token, ten at once. Then tokens that were not good there before have to "
                       "wait, so that nobody guesses.",
                .fallback = 20,
                .min = 1,
                .max = 1'000'000})
          .Add(&DoorLimitsConfig::requests_per_second,
               {.name = "requests_per_second",
                .doc = "Requests to what is not open; two seconds' worth may come at once. 0: any number. Behind a "
                       "proxy everybody has its address.",
                .fallback = 0,
                .min = 0,
                .max = 1'000'000});
  return block;
}

const Block<AuditConfig>& AuditBlock() {
  static const auto block =
      Block<AuditConfig>(
          "One line of JSON for each request that changes something or is refused: who, from where, what, "
          "how it ended. While it cannot be written, nothing can be changed over HTTP. Without this "
          "block there is none.")
          .Add(&AuditConfig::file, {.name = "file", .doc = "Where it is appended to. Without it, stderr."})
          .Add(&AuditConfig::file_size, {.name = "file_size",
                                         .doc = "A file that would be larger becomes FILE.1.",
                                         .fallback = ByteSize{int64_t{64} << 20},
                                         .min = ByteSize{int64_t{4} << 10}})
          .Add(&AuditConfig::files, {.name = "files",
                                     .doc = "Files that are kept, older ones among them.",
                                     .fallback = 8,
                                     .min = 1,
                                     .max = 1000})
          .Add(&AuditConfig::events,
               {.name = "events", .doc = "Requests that bring events are noted too.", .fallback = false});
  return block;
}

std::vector<std::string> RoleNames(const std::vector<RoleWord>& roles) {
  std::vector<std::string> names;
  for (const auto role : roles) names.push_back(config::ValueParser<RoleWord>::Print(role));
  return names;
}

void CheckServer(const ServerConfig& server, const std::string& path, config::ParseContext& context) {
  const auto listen = ParseListen(server.listen);
  const bool locked = !server.tokens.empty() || server.oidc || (server.tls && !server.tls->clients.empty());
  if (!listen) {
    context.problems.Add(server.MarkOf("listen"),
                         fmt::format("{}.listen: expected an IP address and a port, such as 127.0.0.1:8080 or "
                                     "[::1]:8080, found '{}'",
                                     path, server.listen));
  } else if (!io::IsLoopback(listen->address) && (!server.tls || !locked)) {
    context.problems.Add(server.MarkOf("listen"),
                         fmt::format("{}.listen: {} can be reached from other machines, so it needs {}.tls and a token "
                                     "in {}.tokens; or listen on 127.0.0.1",
                                     path, listen->address, path, path));
  }
}

}  // namespace millrace::app
