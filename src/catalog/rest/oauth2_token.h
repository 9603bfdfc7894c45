#pragma once

#include "base/clock.h"
#include "catalog/rest/rest_options.h"
#include "io/http_client.h"
#include "io/oauth2_token.h"

namespace millrace::catalog {

/// Asks `options.server_uri` for a token. Error kConfig when it refuses the client, kUnavailable when it does not
/// answer; neither says the secret.
io::OAuth2Token FetchToken(const OAuth2Options& options, io::HttpClient& http, const Clock& clock);

}  // namespace millrace::catalog
