#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "io/aws_signer.h"
#include "io/http_client.h"

namespace millrace::io {

/// Where credentials are looked for. `environment` and `clock` are parameters so that tests own them.
struct AwsCredentialsOptions {
  std::optional<AwsCredentials> keys;                                         // given: nothing else is asked
  std::string profile;                                                        // given: that profile alone
  std::function<std::optional<std::string>(const std::string&)> environment;  // none: the process's
  const Clock* clock = &Clock::System();
};

/// Credentials for signing, from the first place that has some: given keys, a given profile, the environment
/// (AWS_ACCESS_KEY_ID), a web identity token (AWS_WEB_IDENTITY_TOKEN_FILE), the files ~/.aws/credentials and config
/// (keys, or a sign-on session of `aws sso login`), the container's endpoint, the instance's metadata service (v2).
/// A program named by `credential_process` is never run. Kept until shortly before they expire. Thread-safe; borrows
/// the client.
class AwsCredentialsProvider {
 public:
  AwsCredentialsProvider(AwsCredentialsOptions options, HttpClient& http);

  /// Error kConfig when no place has any (it lists them), kUnavailable when the place that should did not answer.
  AwsCredentials Get();
  /// The server called them expired: the next Get asks for new ones. Only if `used` are those that are kept.
  void Forget(const AwsCredentials& used);

 private:
  AwsCredentials Load();

  const AwsCredentialsOptions options_;
  HttpClient& http_;
  std::mutex mutex_;
  std::optional<AwsCredentials> kept_;
};

/// AWS_REGION, AWS_DEFAULT_REGION, or the `region` of the profile; empty when nothing says.
std::string AwsRegion(const AwsCredentialsOptions& options);

}  // namespace millrace::io
