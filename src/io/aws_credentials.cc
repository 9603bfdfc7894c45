#include "io/aws_credentials.h"

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "io/aws_places.h"

namespace millrace::io {
namespace {

/// New ones are asked for this long before the old ones end; until then the old ones serve if the asking fails.
constexpr auto kRefreshBefore = std::chrono::minutes(5);

}  // namespace

std::optional<std::string> AwsPlaces::Variable(const std::string& name) const {
  if (options.environment) return options.environment(name);
  const char* value = std::getenv(name.c_str());
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

std::string ReadSecretFile(const std::string& path, std::string_view what) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (!file)
    throw Error(ErrorCode::kConfig, std::string(what) + " " + path + " cannot be read; check the path and permissions");
  auto text = bytes.str();
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

std::optional<AwsCredentials> EnvironmentCredentials(const AwsPlaces& places) {
  const auto key = places.Variable("AWS_ACCESS_KEY_ID");
  const auto secret = places.Variable("AWS_SECRET_ACCESS_KEY");
  if (!key || !secret) return std::nullopt;
  return AwsCredentials{*key, *secret, places.Variable("AWS_SESSION_TOKEN").value_or(""), std::nullopt};
}

AwsCredentialsProvider::AwsCredentialsProvider(AwsCredentialsOptions options, HttpClient& http)
    : options_(std::move(options)), http_(http) {}

AwsCredentials AwsCredentialsProvider::Get() {
  const std::lock_guard lock(mutex_);
  const auto now = options_.clock->Now();
  if (kept_ && (!kept_->expires || now + kRefreshBefore < *kept_->expires)) return *kept_;
  try {
    kept_ = Load();
  } catch (const Error&) {
    if (!kept_ || now >= *kept_->expires) throw;
  }
  return *kept_;
}

void AwsCredentialsProvider::Forget(const AwsCredentials& used) {
  const std::lock_guard lock(mutex_);
  if (kept_ && kept_->access_key_id == used.access_key_id && kept_->session_token == used.session_token) kept_.reset();
}

AwsCredentials AwsCredentialsProvider::Load() {
  if (options_.keys) return *options_.keys;
  const AwsPlaces places{options_, http_};
  using Place = std::optional<AwsCredentials> (*)(const AwsPlaces&);
  const bool by_profile = !options_.profile.empty();
  for (const Place place : {EnvironmentCredentials, WebIdentityCredentials, ProfileCredentials, ContainerCredentials,
                            InstanceCredentials}) {
    if (by_profile && place != ProfileCredentials) continue;
    try {
      if (auto found = place(places)) return *found;
    } catch (const nlohmann::json::exception&) {
      throw Error(ErrorCode::kUnavailable,
                  "a place of AWS credentials answered in a form that is not known; check that its endpoint is AWS's");
    }
  }
  throw Error(ErrorCode::kConfig,
              by_profile
                  ? "AWS profile '" + options_.profile +
                        "' has neither keys nor a sign-on session; millrace runs no credential_process and assumes no "
                        "role for a profile: give it aws_access_key_id and aws_secret_access_key, or an sso_session"
                  : "no AWS credentials: looked for access_key in the configuration, AWS_ACCESS_KEY_ID, "
                    "AWS_WEB_IDENTITY_TOKEN_FILE, ~/.aws/credentials and config, the container's and the instance's "
                    "endpoints; give one of them");
}

std::string AwsRegion(const AwsCredentialsOptions& options) {
  HttpClient unused;
  const AwsPlaces places{options, unused};
  for (const auto* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (const auto region = places.Variable(name)) return *region;
  }
  return AwsProfile(places)["region"];
}

}  // namespace millrace::io
