#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/door.h"
#include "app/config_words.h"
#include "app/data_directory.h"
#include "app/doctor_checks.h"
#include "app/door_blocks.h"
#include "app/run_status.h"
#include "app/server_options.h"
#include "base/clock.h"
#include "io/certificate.h"
#include "io/file_descriptor.h"
#include "io/ip_range.h"

namespace millrace::app {
namespace {

/// errno of an attempt to listen there, as the server does; 0: it can.
int TryToListen(const ListenAddress& listen) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (listen.address.find(':') == std::string::npos) {
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(listen.port);
    inet_pton(AF_INET, listen.address.c_str(), &address.sin_addr);
    size = sizeof(address);
  } else {
    auto& address = reinterpret_cast<sockaddr_in6&>(storage);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(listen.port);
    inet_pton(AF_INET6, listen.address.c_str(), &address.sin6_addr);
    size = sizeof(address);
  }
  const io::FileDescriptor socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno;
  const int yes = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return errno;
  return ::listen(socket.get(), 1) == 0 ? 0 : errno;
}

/// The process of this very pipeline that serves there.
std::optional<std::string> OwnServer(const PipelineConfig& pipeline, const ListenAddress& listen) {
  const std::filesystem::path data_dir(pipeline.data_dir.value);
  const auto holder = DataDirectory::HolderOf(data_dir);
  const auto status = ReadRunStatus(data_dir / "status.json");
  if (!holder || !status) return std::nullopt;
  const auto url = status->value("server", std::string());
  return url.ends_with(fmt::format(":{}", listen.port)) ? holder : std::nullopt;
}

void LookAtPort(const PipelineConfig& pipeline, const ListenAddress& listen, Findings& findings) {
  const auto& where = pipeline.server->listen;
  const int error = TryToListen(listen);
  if (error == 0) return findings.Ok(listen.port == 0 ? "a free port will be taken" : fmt::format("{} is free", where));
  switch (error) {
    case EADDRINUSE:
      if (const auto process = OwnServer(pipeline, listen)) {
        return findings.Ok(fmt::format("this pipeline serves on {} already, as process {}", where, *process));
      }
      return findings.Fail(
          fmt::format("another program listens on {}", where),
          fmt::format("stop it (`ss -ltnp 'sport = :{}'` names it), or choose another server.listen", listen.port));
    case EACCES:
      return findings.Fail(fmt::format("this user may not listen on {}: ports below 1024 are root's", where),
                           "choose a port from 1024 on, or give the unit AmbientCapabilities=CAP_NET_BIND_SERVICE");
    case EADDRNOTAVAIL:
      return findings.Fail(fmt::format("{} is no address of this machine", where), "choose one of `ip address`");
    default:
      return findings.Fail(fmt::format("{} cannot be listened on: {}", where, std::strerror(error)),
                           "choose another server.listen");
  }
}

void LookAtCertificate(const ServerTlsConfig& tls, Findings& findings) {
  constexpr auto kSoon = std::chrono::hours(24 * 21);
  const auto certificate = io::ReadCertificate(tls.certificate.value);
  io::RequireKeyOf(tls.certificate.value, tls.key.value);
  const auto now = Clock::System().Now();
  const auto says =
      fmt::format("the certificate {} is good until {}", certificate.subject, FormatTimestamp(certificate.not_after));
  if (certificate.not_after < now || certificate.not_before > now) {
    findings.Fail(fmt::format("the certificate {} is good from {} to {}, not now", certificate.subject,
                              FormatTimestamp(certificate.not_before), FormatTimestamp(certificate.not_after)),
                  "renew it, or set the clock");
  } else if (certificate.not_after - now < kSoon) {
    findings.Warn(says, "renew it before, and start the pipeline again");
  } else {
    findings.Ok(says);
  }
  struct stat facts {};
  if (stat(tls.key.value.c_str(), &facts) == 0 && (facts.st_mode & S_IROTH) != 0) {
    findings.Warn(fmt::format("every user of this machine may read the key {}", tls.key.value),
                  "chmod 640 it, with the group that millrace runs as");
  }
}

/// "prometheus may read; CN:loader may ingest": by what they come with.
std::vector<std::string> WhoMayWhat(const ServerConfig& server) {
  std::vector<std::string> all;
  const auto add = [&](std::string_view who, const std::vector<RoleWord>& roles) {
    all.push_back(fmt::format("{} may {}", who, fmt::join(RoleNames(roles), ", ")));
  };
  for (const auto& [name, grant] : server.tokens) add(name, grant.roles);
  if (server.tls) {
    for (const auto& [name, client] : server.tls->clients) add(name, client.roles);
  }
  if (server.oidc) {
    for (const auto& [role, roles] : server.oidc->roles)
      add(role == "*" ? fmt::format("whoever {} knows", server.oidc->issuer) : role, roles);
  }
  return all;
}

void LookAtExposure(const ServerConfig& server, const ListenAddress& listen, Findings& findings) {
  const bool local = io::IsLoopback(listen.address);
  const auto* reach = local ? "reached from this machine alone" : "reached from other machines";
  const auto* how = server.tls ? "over TLS" : "without TLS";
  const auto who = WhoMayWhat(server);
  if (who.empty()) {
    return findings.Ok(
        fmt::format("{} {}; there are no tokens, so every user of it may read, ingest, operate and query", reach, how));
  }
  const auto* with = server.oidc || (server.tls && server.tls->client_ca) ? "a token or certificate" : "a token";
  findings.Ok(fmt::format("{} {}; with {}: {}", reach, how, with, fmt::join(who, "; ")));
  const auto now = Clock::System().Now();
  for (const auto& [name, token] : server.tokens) {
    if (token.expires && *token.expires <= now)
      findings.Warn(fmt::format("the token {} has expired on {}", name, FormatTimestamp(*token.expires)),
                    "`millrace token new` makes another; take the old one out of server.tokens");
  }
}

}  // namespace

std::vector<DoctorCheck> ServerChecks(const PipelineConfig& pipeline) {
  if (!pipeline.server) return {};
  return {{"server", [&pipeline](Findings& findings, const std::stop_token&) {
             const auto& server = *pipeline.server;
             const auto listen = ParseListen(server.listen).value_or(ListenAddress{});
             LookAtPort(pipeline, listen, findings);
             LookAtExposure(server, listen, findings);
             if (server.tls) LookAtCertificate(*server.tls, findings);
           }}};
}

}  // namespace millrace::app
