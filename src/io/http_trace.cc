#include "io/http_trace.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <utility>

#include "io/http_routes.h"

namespace millrace::io {
namespace {

/// "host:port" or "[::1]:port", the port being left out where it is the scheme's.
void AddServer(std::string_view host, Span& span) {
  const auto colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  span.attributes.emplace_back("server.address", std::string(host.substr(0, has_port ? colon : host.size())));
  int64_t port = 0;
  if (!has_port) return;
  const auto digits = host.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error == std::errc() && end == digits.data() + digits.size()) span.attributes.emplace_back("server.port", port);
}

}  // namespace

std::optional<Span> BeginHttpSpan(const HttpCall& call, std::string_view protocol_version) {
  if (!Tracing::on() || call.route == nullptr || call.route->open) return std::nullopt;
  const auto given = call.refused ? std::nullopt : call.header("traceparent");
  auto span = Tracing::BeginServer(given ? ParseTraceparent(*given) : std::nullopt);
  if (!span) return span;
  span->name = fmt::format("{} {}", call.method, call.route->pattern);
  span->attributes = {{"http.request.method", call.method},
                      {"http.route", call.route->pattern},
                      {"url.path", call.path},
                      {"url.scheme", std::string(call.tls ? "https" : "http")},
                      {"network.protocol.version", std::string(protocol_version)},
                      {"client.address", call.peer}};
  if (const auto host = call.header("Host")) AddServer(*host, *span);
  if (const auto agent = call.header("User-Agent"))
    span->attributes.emplace_back("user_agent.original", std::string(*agent));
  return span;
}

void EndHttpSpan(Span span, int status) {
  span.end = Clock::System().Now();
  span.attributes.emplace_back("http.response.status_code", int64_t{status});
  if (status >= 500) {
    span.attributes.emplace_back("error.type", std::to_string(status));
    span.error = fmt::format("answered with {}", status);
  }
  Tracing::End(std::move(span));
}

}  // namespace millrace::io
