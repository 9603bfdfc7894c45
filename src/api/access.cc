#include "api/access.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/letter_case.h"
#include "io/digest.h"

namespace millrace::api {
namespace {

/// "name" of "name:8080" and "[::1]" of "[::1]:8080".
std::string WithoutPort(std::string_view host) {
  const auto bracket = host.rfind(']');
  const auto colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return Lower(has_port ? host.substr(0, colon) : host);
}

}  // namespace

std::vector<std::string> AllRoles() { return {kReads, kSends, kOperates, kQueries, kAdministers}; }

bool Allows(const std::vector<std::string>& roles, std::string_view role) {
  return std::ranges::any_of(roles, [&](const std::string& each) { return each == role || each == kAdministers; });
}

bool Changes(const io::HttpRoute& route) { return route.role == kOperates || route.role == kAdministers; }

std::string ClientOf(const std::string& address) {
  in6_addr parsed{};
  if (inet_pton(AF_INET6, address.c_str(), &parsed) != 1 || IN6_IS_ADDR_V4MAPPED(&parsed)) return address;
  return io::Hex({reinterpret_cast<const char*>(parsed.s6_addr), 8});
}

std::optional<std::string_view> BearerOf(const io::HttpCall& call) {
  constexpr std::string_view kScheme = "bearer ";
  const auto header = call.header("Authorization");
  if (!header || header->size() <= kScheme.size()) return std::nullopt;
  if (!io::SameHeaderName(header->substr(0, kScheme.size()), kScheme)) return std::nullopt;
  return header->substr(kScheme.size());
}

bool HasHost(const io::HttpCall& call, const std::vector<std::string>& names) {
  const auto host = call.header("Host");
  return host && std::ranges::find(names, WithoutPort(*host)) != names.end();
}

bool IsFromOwnPage(const io::HttpCall& call, const io::HttpRoute* route) {
  if (call.CountHeaders("Origin") > 0) {
    const auto origin = call.header("Origin");
    const auto host = call.header("Host");
    if (!origin || !host) return false;
    if (Lower(*origin) != (call.tls ? "https://" : "http://") + Lower(*host)) return false;
  }
  const auto site = call.header("Sec-Fetch-Site");
  if (!site || *site == "same-origin" || *site == "none") return true;
  if (route != nullptr && route->role != kReads) return false;
  return call.method == "GET" && call.header("Sec-Fetch-Mode") == std::string_view("navigate");
}

}  // namespace millrace::api
