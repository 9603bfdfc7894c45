#include "catalog/rest/oauth2_token.h"

#include <fmt/format.h>

#include "io/percent_encoding.h"

namespace millrace::catalog {
namespace {

std::string FormOf(const OAuth2Options& options) {
  std::string form = "grant_type=client_credentials";
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) form += fmt::format("&{}={}", name, io::PercentEncoded(value));
  };
  add("client_id", options.client_id);
  add("client_secret", options.client_secret);
  add("scope", options.scope);
  add("audience", options.audience);
  add("resource", options.resource);
  return form;
}

}  // namespace

io::OAuth2Token FetchToken(const OAuth2Options& options, io::HttpClient& http, const Clock& clock) {
  const std::string form = FormOf(options);
  return io::FetchOAuth2Token(http, io::TokenRequest(options.server_uri, form),
                              "check client_id, client_secret and scope of lake.catalog.rest.oauth2", clock);
}

}  // namespace millrace::catalog
