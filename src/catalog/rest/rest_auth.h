#pragma once

#include <memory>

#include "base/clock.h"
#include "catalog/rest/rest_options.h"
#include "io/http_client.h"

namespace millrace::catalog {

/// Says to a REST catalogue who asks. Thread-safe.
class RestAuth {
 public:
  virtual ~RestAuth() = default;
  /// Adds what proves it to a request that is otherwise complete. Error kConfig or kUnavailable when that cannot be
  /// had.
  virtual void Authorize(io::HttpRequest& request) = 0;
  /// After the catalogue refused `refused`: whether the same request, authorised again, may fare better.
  virtual bool Renew(const io::HttpRequest& refused) = 0;
};

/// `catalog_uri`: where OAuth2 tokens come from when the options name no server. Borrows the client and the clock.
std::unique_ptr<RestAuth> MakeRestAuth(const RestAuthentication& authentication, const std::string& catalog_uri,
                                       io::HttpClient& http, const Clock& clock);

}  // namespace millrace::catalog
