#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
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

  /// "silver%1Feu": a namespace in a path.
  std::string NamespaceInPath(std::string_view name_space) const;
  const std::string& uri() const { return options_.uri; }

 private:
  void Configure();
  io::HttpResponse Exchange(const io::HttpRequest& request);
  io::HttpResponse SendTo(const char* method, const std::string& url, const std::string& body);

  RestCatalogOptions options_;
  io::HttpClient http_;
  std::unique_ptr<RestAuth> auth_;
  std::string base_;  // up to and with the prefix
  std::string separator_ = "%1F";
};

/// "a.b" as {"a", "b"}.
std::vector<std::string> LevelsOf(std::string_view name_space);

/// Why an answer is no success, in the catalogue's words (REST spec, ErrorModel), cut to a line.
std::string RefusalOf(const io::HttpResponse& response);

/// For calls of which the caller branches on nothing more: kUnavailable for what passes by itself, kConfig for what the
/// user mends, kStop for the rest.
[[noreturn]] void ThrowRefusal(const std::string& doing, const io::HttpResponse& response);

}  // namespace millrace::catalog
