#pragma once

#include <string>

#include "app/config_model.h"
#include "config/block.h"
#include "io/aws_credentials.h"

/// The options of whatever is reached as a service of AWS is.
namespace millrace::app {

/// What is said of them, for `keys` beside whose own: "(gs://: of an HMAC key)".
struct AwsAccessWords {
  std::string endpoint;
  std::string region;
  std::string access_key = "The id of an access key.";
};

template <typename Config>
void AddAwsAccess(config::Block<Config>& block, const AwsAccessWords& words) {
  const auto add = [&](auto AwsAccessConfig::*member, const char* name, std::string doc) {
    using Member = std::remove_reference_t<decltype(std::declval<Config>().*member)>;
    block.Add(static_cast<Member Config::*>(member), {.name = name, .doc = std::move(doc)});
  };
  add(&AwsAccessConfig::endpoint, "endpoint", words.endpoint);
  add(&AwsAccessConfig::region, "region", words.region);
  add(&AwsAccessConfig::access_key, "access_key", words.access_key);
  add(&AwsAccessConfig::secret_key, "secret_key", "Its secret.");
  add(&AwsAccessConfig::session_token, "session_token", "The token of a short-lived key.");
  add(&AwsAccessConfig::profile, "profile", "A profile of ~/.aws/credentials and ~/.aws/config.");
  add(&AwsAccessConfig::ca_file, "ca_file", "Certificates (PEM) that the endpoint's is checked against.");
}

/// How a bucket is reached.
const config::Block<S3Config>& S3Block();

void CheckAwsAccess(const AwsAccessConfig& access, const std::string& path, config::ParseContext& context);

/// Where AWS's own tools look, unless keys or a profile are given.
io::AwsCredentialsOptions CredentialsOf(const AwsAccessConfig& access);

}  // namespace millrace::app
