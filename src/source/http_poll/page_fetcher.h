#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "io/http_client.h"
#include "source/http_poll/http_poll_options.h"

namespace millrace::source {

/// Asks for one URL with the options' method, headers and secret, and follows redirects itself: each hop goes through
/// the same checks of its address, none leads from https to http, and what was meant for the origin that was configured
/// (headers, secret, body) goes nowhere else.
class PageFetcher {
 public:
  explicit PageFetcher(const HttpPollOptions& options);

  struct Answer {
    std::string url;  // that answered in the end, without the secret
    io::HttpResponse response;
  };
  /// Any status is an answer. HttpFailure when none came; Error kData for redirects that are not followed.
  Answer Fetch(const std::string& url, const std::vector<io::HttpHeader>& conditions, const std::stop_token& stop);

  /// "GET https://host/path", without query.
  std::string Shown(const std::string& url) const;

 private:
  io::HttpRequest RequestFor(const std::string& url, const std::string& method,
                             const std::vector<io::HttpHeader>& conditions) const;

  const HttpPollOptions& options_;
  const std::string origin_;
  io::HttpClient client_;
};

}  // namespace millrace::source
