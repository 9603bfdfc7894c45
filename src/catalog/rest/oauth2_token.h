#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "catalog/rest/rest_options.h"
#include "io/http_client.h"

namespace millrace::catalog {

/// An access token. Never printed.
struct OAuth2Token {
  std::string value;
  std::optional<SteadyTime> renew_at;  // some time before it expires; none: when it is refused
};

/// Asks `options.server_uri` for a token. Error kConfig when it refuses the client, kUnavailable when it does not
/// answer; neither says the secret.
OAuth2Token FetchToken(const OAuth2Options& options, io::HttpClient& http, const Clock& clock);

}  // namespace millrace::catalog
