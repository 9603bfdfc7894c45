#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "catalog/rest/rest_auth.h"
#include "catalog/rest/rest_options.h"
#include "io/http_client.h"

namespace millrace::catalog {

/// One way to one REST catalogue: its address, who asks, and what its /v1/config says. Thread-safe.
class RestConnection {
 public:
  /// Asks the catalogue for its configuration. Error kUnavailable in one sentence when nobody answers, kConfig when it
  /// refuses. Borrows the clock.
  RestConnection(RestCatalogOptions options, const Clock& clock);

  /// One attempt; only a request refused for an expired token, which the catalogue did not process, is sent once more.
  /// `path` follows /v1/<prefix>. Any status is an answer; Error HttpFailure when none came.
  io::HttpResponse Send(const char* method, const std::string& path, const std::string& body = {});
  /// The same for a request that changes something. Where the catalogue knows idempotency keys it carries one, and is
  /// sent once more when its outcome is unknown: success then tells what no other answer does. Without an answer Error
  /// HttpFailure; a failure of the second is told as that of the first.
  io::HttpResponse Change(const char* method, const std::string& path, const std::string& body = {});

  /// Whether the catalogue lists this route of the REST spec: "POST /v1/{prefix}/transactions/commit".
  bool Offers(const std::string& endpoint) const { return endpoints_.contains(endpoint); }

  /// "silver%1Feu": a namespace in a path.
  std::string NamespaceInPath(std::string_view name_space) const;
  const std::string& uri() const { return options_.uri; }

 private:
  void Configure();
  io::HttpResponse Exchange(const io::HttpRequest& request);
  io::HttpResponse SendTo(const char* method, const std::string& url, const std::string& body,
                          const std::string& idempotency_key = {});
  std::string NewIdempotencyKey();

  RestCatalogOptions options_;
  io::HttpClient http_;
  std::unique_ptr<RestAuth> auth_;
  std::string base_;  // up to and with the prefix
  std::string separator_ = "%1F";
  std::set<std::string> endpoints_;
  bool knows_idempotency_ = false;
  const Clock& clock_;
  std::mutex mutex_;
  Random random_ = Random::FromSystem();
};

/// "a.b" as {"a", "b"}.
std::vector<std::string> LevelsOf(std::string_view name_space);

/// Why an answer is no success, in the catalogue's words (REST spec, ErrorModel), cut to a line.
std::string RefusalOf(const io::HttpResponse& response);

/// For calls of which the caller branches on nothing more: kUnavailable for what passes by itself, kConfig for what the
/// user mends, kStop for the rest.
[[noreturn]] void ThrowRefusal(const std::string& doing, const io::HttpResponse& response);

}  // namespace millrace::catalog
