#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/http_routes.h"

/// Roles: what a route asks for and a caller has. None holds another, but the last one all.
namespace millrace::api {

inline constexpr const char* kReads = "read";
inline constexpr const char* kSends = "ingest";
inline constexpr const char* kOperates = "operate";
inline constexpr const char* kQueries = "query";
inline constexpr const char* kAdministers = "admin";

std::vector<std::string> AllRoles();
bool Allows(const std::vector<std::string>& roles, std::string_view role);
/// Whether a request to it changes something besides the data that it brings.
bool Changes(const io::HttpRoute& route);

/// What limits count as one client: an IPv4 address, the /64 network of an IPv6 address.
std::string ClientOf(const std::string& address);

/// What stands behind "Bearer " in Authorization; nullopt: there is none.
std::optional<std::string_view> BearerOf(const io::HttpCall& call);
/// Whether the call came in under one of the names ("localhost", "[::1]"), whatever the port.
bool HasHost(const io::HttpCall& call, const std::vector<std::string>& names);
/// False for what a page of another site made a browser send. A link elsewhere may lead to what only shows something.
bool IsFromOwnPage(const io::HttpCall& call, const io::HttpRoute* route);

}  // namespace millrace::api
