#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "io/http_client.h"
#include "io/oauth2_token.h"

namespace millrace::io {

/// Where Google's credentials are looked for. `environment` and `clock` are parameters so that tests own them.
struct GoogleCredentialsOptions {
  std::string json;   // given: the text of a key file, and nothing else is asked
  std::string scope;  // what the token is for: "https://www.googleapis.com/auth/datastore"
  std::function<std::optional<std::string>(const std::string&)> environment = nullptr;  // none: the process's
  const Clock* clock = &Clock::System();
};

/// Access tokens of Google's: for the key of a service account (RFC 7523, RS256) or a person's refresh token, given or
/// in the file that GOOGLE_APPLICATION_CREDENTIALS names or `gcloud auth application-default login` leaves; else of the
/// metadata service of the machine. Kept until shortly before they expire. Thread-safe; borrows client and clock.
class GoogleTokens {
 public:
  GoogleTokens(GoogleCredentialsOptions options, HttpClient& http);

  /// Error kConfig when no place has credentials or they are refused, kUnavailable when nobody answered.
  std::string Get() { return kept_.Get(); }
  void Forget(const std::string& refused) { kept_.Forget(refused); }

 private:
  OAuth2Token Fetch();
  std::string KeyFile() const;
  std::optional<std::string> Variable(const std::string& name) const;

  const GoogleCredentialsOptions options_;
  HttpClient& http_;
  KeptToken kept_;
};

}  // namespace millrace::io
