#include "api/door.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "io/digest.h"

namespace millrace::api {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

/// "name" of "name:8080" and "[::1]" of "[::1]:8080".
std::string WithoutPort(std::string_view host) {
  const auto bracket = host.rfind(']');
  const auto colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return Lower(has_port ? host.substr(0, colon) : host);
}

std::string AsHost(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

/// As long as the texts are equally long, the time says nothing of where they differ.
bool SameText(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char differs = 0;
  for (size_t i = 0; i < a.size(); ++i) differs |= static_cast<unsigned char>(a[i] ^ b[i]);
  return differs == 0;
}

std::optional<std::string_view> BearerOf(const io::HttpCall& call) {
  constexpr std::string_view kScheme = "bearer ";
  const auto header = call.header("Authorization");
  if (!header || header->size() <= kScheme.size()) return std::nullopt;
  if (!io::SameHeaderName(header->substr(0, kScheme.size()), kScheme)) return std::nullopt;
  return header->substr(kScheme.size());
}

/// False for what a page of another site made a browser send. A link elsewhere may lead to what only shows something.
bool FromOwnPage(const io::HttpCall& call, const io::HttpRoute* route) {
  if (call.CountHeaders("Origin") > 0) {
    const auto origin = call.header("Origin");
    const auto host = call.header("Host");
    if (!origin || !host) return false;
    if (Lower(*origin) != (call.tls ? "https://" : "http://") + Lower(*host)) return false;
  }
  const auto site = call.header("Sec-Fetch-Site");
  if (!site || *site == "same-origin" || *site == "none") return true;
  if (route != nullptr && route->role != "read") return false;
  return call.method == "GET" && call.header("Sec-Fetch-Mode") == std::string_view("navigate");
}

}  // namespace

bool IsLoopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

Door::Door(const DoorOptions& options) {
  if (IsLoopback(options.address) || !options.hosts.empty()) {
    hosts_ = {"localhost", "127.0.0.1", "[::1]", AsHost(options.address)};
    for (const auto& host : options.hosts) hosts_.push_back(Lower(host));
  }
  for (const auto& grant : options.tokens) grants_.push_back({io::Sha256(grant.token), grant.roles});
}

bool Door::Allows(const Grant& grant, const std::string& role) {
  return std::ranges::find(grant.roles, role) != grant.roles.end();
}

bool Door::KnowsHost(const io::HttpCall& call) const {
  if (hosts_.empty()) return true;
  const auto host = call.header("Host");
  return host && std::ranges::find(hosts_, WithoutPort(*host)) != hosts_.end();
}

const Door::Grant* Door::Find(const io::HttpCall& call) const {
  const auto bearer = BearerOf(call);
  if (!bearer) return nullptr;
  const auto sum = io::Sha256(*bearer);
  const Grant* found = nullptr;
  for (const auto& each : grants_) {
    if (SameText(each.sum, sum)) found = &each;
  }
  return found;
}

bool Door::Knows(const io::HttpCall& call) const {
  if (grants_.empty()) return true;
  const auto* grant = Find(call);
  return grant != nullptr && Allows(*grant, "read");
}

std::vector<std::string> Door::RolesOf(const io::HttpCall& call) const {
  if (grants_.empty()) return {"read", "ingest", "operate", "query"};
  const auto* grant = Find(call);
  return grant == nullptr ? std::vector<std::string>() : grant->roles;
}

std::optional<io::HttpReply> Door::Refuse(const io::HttpCall& call, const io::HttpRoute* route) const {
  const bool open = route != nullptr && route->open;
  if (!open && !KnowsHost(call)) {
    return io::ErrorReply(421, "this server does not go by that name; list it in server.hosts if it should");
  }
  if (!FromOwnPage(call, route)) return io::ErrorReply(403, "requests made by pages of other sites are not answered");
  if (open || grants_.empty()) return std::nullopt;
  if (const auto* grant = Find(call)) {
    if (route == nullptr || Allows(*grant, route->role)) return std::nullopt;
    return io::ErrorReply(403, "this token is not for that: it needs the role '" + route->role + "' in server.tokens");
  }
  auto reply = io::ErrorReply(401, "send one of the tokens of server.tokens: Authorization: Bearer TOKEN");
  reply.headers.push_back({"WWW-Authenticate", "Bearer realm=\"millrace\""});
  return reply;
}

void AddSecurityHeaders(const io::HttpCall& call, io::HttpReply& reply) {
  const auto add = [&](const char* name, const char* value) {
    if (!io::FindHeader(reply.headers, name)) reply.headers.push_back({name, value});
  };
  add("X-Content-Type-Options", "nosniff");
  add("Cache-Control", "no-store");
  add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  add("Cross-Origin-Resource-Policy", "same-origin");
  add("Referrer-Policy", "no-referrer");
  if (call.tls) add("Strict-Transport-Security", "max-age=31536000");
}

}  // namespace millrace::api
