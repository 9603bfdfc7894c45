#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "io/http_client.h"

namespace millrace::io {

/// An access token. Never printed.
struct OAuth2Token {
  std::string value;
  std::optional<SteadyTime> renew_at;  // some time before it expires; none: when it is refused
};

/// Sends a request for a token, whose answer is that of RFC 6749, section 5.1. Error kConfig when the server refuses
/// (`mend`: what to check then), kUnavailable when it does not answer; neither says what was sent.
OAuth2Token FetchOAuth2Token(HttpClient& http, const HttpRequest& request, const std::string& mend, const Clock& clock);

/// POST of a form, application/x-www-form-urlencoded, which outlives the request.
HttpRequest TokenRequest(const std::string& url, std::string_view form);

/// A token that is kept until it is to be renewed. Thread-safe; borrows the clock.
class KeptToken {
 public:
  KeptToken(std::function<OAuth2Token()> fetch, const Clock& clock) : fetch_(std::move(fetch)), clock_(clock) {}

  std::string Get();
  /// It was refused: the next Get fetches another one, unless somebody has already.
  void Forget(std::string_view refused);

 private:
  const std::function<OAuth2Token()> fetch_;
  const Clock& clock_;
  std::mutex mutex_;
  std::optional<OAuth2Token> kept_;
};

}  // namespace millrace::io
