#include "query/spark/spark_remote.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/error.h"

namespace millrace::query {
namespace {

constexpr std::string_view kScheme = "sc://";
constexpr int kPortMax = 65'535;

[[noreturn]] void Refuse(std::string_view why) {
  throw Error(ErrorCode::kConfig, fmt::format("{}; expected sc://host:15002, and behind it, where wanted, "
                                              "/;use_ssl=true;user_id=name",
                                              why));
}

int PortOf(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 1 || port > kPortMax)
    Refuse(fmt::format("'{}' is no port", text));
  return port;
}

/// "host", "host:port", "[::1]:port".
void TakeAddress(std::string_view address, SparkRemote& remote) {
  const auto bracket = address.rfind(']');
  const auto colon = address.find(':', bracket == std::string_view::npos ? 0 : bracket);
  remote.host = std::string(address.substr(0, colon));
  if (colon != std::string_view::npos) remote.port = PortOf(address.substr(colon + 1));
  const bool plain = std::ranges::all_of(remote.host, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
  });
  if (remote.host.empty() || !plain) Refuse(fmt::format("'{}' is no host", remote.host));
}

void TakeParameter(std::string_view parameter, SparkRemote& remote) {
  const auto equals = parameter.find('=');
  const auto name = parameter.substr(0, equals);
  if (equals == std::string_view::npos || name.empty())
    Refuse(fmt::format("'{}' is no parameter such as use_ssl=true", parameter));
  const auto value = parameter.substr(equals + 1);
  if (name == "token") Refuse("a token does not stand in the address but in `token:`, as a secret");
  if (name == "session_id") Refuse("a session_id cannot be given: each run has a session of its own");
  if (name == "user_agent") return;
  if (name == "use_ssl") {
    if (value != "true" && value != "false") Refuse(fmt::format("use_ssl is true or false, not '{}'", value));
    remote.use_ssl = value == "true";
  } else if (name == "user_id") {
    remote.user_id = std::string(value);
  } else {
    remote.headers.push_back({std::string(name), std::string(value)});
  }
}

}  // namespace

std::string SparkRemote::Url() const { return fmt::format("{}://{}:{}", use_ssl ? "https" : "http", host, port); }

SparkRemote ParseSparkRemote(std::string_view text) {
  if (!text.starts_with(kScheme)) Refuse(fmt::format("'{}' does not begin with sc://", text));
  text.remove_prefix(kScheme.size());
  SparkRemote remote;
  const auto slash = text.find('/');
  TakeAddress(text.substr(0, slash), remote);
  auto rest = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
  if (!rest.empty() && rest.front() != ';') Refuse(fmt::format("'/{}' is a path, and there is none", rest));
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find(';'), rest.size());
    if (end > 0) TakeParameter(rest.substr(0, end), remote);
    rest.remove_prefix(end);
  }
  return remote;
}

}  // namespace millrace::query
