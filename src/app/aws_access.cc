#include "app/aws_access.h"

#include <fmt/format.h>

namespace millrace::app {

void CheckAwsAccess(const AwsAccessConfig& access, const std::string& path, config::ParseContext& context) {
  if (access.access_key.has_value() != access.secret_key.has_value()) {
    context.problems.Add(access.mark, fmt::format("{}: access_key and secret_key go together", path));
  }
  if (access.access_key && !access.profile.empty()) {
    context.problems.Add(access.MarkOf("profile"),
                         fmt::format("{}.profile: is for pipelines without access_key", path));
  }
  if (!access.endpoint.empty() && !access.endpoint.starts_with("http://") && !access.endpoint.starts_with("https://")) {
    context.problems.Add(access.MarkOf("endpoint"),
                         fmt::format("{}.endpoint: expected http://host:port or https://host, "
                                     "found '{}'",
                                     path, access.endpoint));
  }
}

io::AwsCredentialsOptions CredentialsOf(const AwsAccessConfig& access) {
  io::AwsCredentialsOptions options;
  options.profile = access.profile;
  if (access.access_key && access.secret_key) {
    options.keys = io::AwsCredentials{access.access_key->Reveal(),
                                      access.secret_key->Reveal(),
                                      access.session_token ? access.session_token->Reveal() : "",
                                      {}};
  }
  return options;
}

}  // namespace millrace::app
