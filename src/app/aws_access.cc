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

const config::Block<S3Config>& S3Block() {
  static const auto block = [] {
    config::Block<S3Config> s3(
        "How buckets are reached: the warehouse's, and those that `millrace export` writes into. Without keys or a "
        "profile, where AWS's own tools look: the environment, "
        "~/.aws, a web identity, the container's and the instance's endpoints.");
    AddAwsAccess(s3, {.endpoint = "http(s)://host:port of a service other than AWS's (gs://: than Google's).",
                      .region = "The bucket's region; without it, AWS_REGION or the profile's.",
                      .access_key = "The id of an access key (gs://: of an HMAC key)."});
    s3.Add(&S3Config::path_style, {.name = "path_style",
                                   .doc = "The bucket's name goes into the path instead of the host; by itself when "
                                          "an endpoint is given."});
    return std::move(s3).Check(CheckAwsAccess);
  }();
  return block;
}

}  // namespace millrace::app
