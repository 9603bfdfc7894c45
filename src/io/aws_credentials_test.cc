#include "io/aws_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "judge/python.h"
#include "services/service.h"

namespace millrace::io {
namespace {

using testing::HasSubstr;
using testing::Not;

class AwsCredentialsTest : public testing::Test {
 protected:
  AwsCredentialsTest() {
    environment_["HOME"] = home_.path().string();
    environment_["AWS_EC2_METADATA_DISABLED"] = "true";
    std::filesystem::create_directories(home_.path() / ".aws/sso/cache");
  }

  static const std::string& Endpoints() {
    static const services::Service server("aws_endpoints.py");
    return server.address();
  }

  AwsCredentialsOptions Options(std::string profile = {}) {
    AwsCredentialsOptions options;
    options.profile = std::move(profile);
    options.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      return found == environment_.end() ? std::nullopt : std::optional(found->second);
    };
    return options;
  }
  AwsCredentials Get(const std::string& profile = {}) { return AwsCredentialsProvider(Options(profile), http_).Get(); }
  std::string ErrorOf(const std::string& profile = {}) {
    try {
      Get(profile);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  judge::Folder home_;
  std::map<std::string, std::string> environment_;
  HttpClient http_;
};

TEST_F(AwsCredentialsTest, EachPlaceGivesWayToTheOneBefore) {
  EXPECT_THAT(ErrorOf(), HasSubstr("no AWS credentials: looked for"));
  environment_.erase("AWS_EC2_METADATA_DISABLED");
  environment_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = Endpoints();
  EXPECT_EQ(Get().access_key_id, "key-instance");

  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = Endpoints() + "/container";
  EXPECT_THAT(ErrorOf(), HasSubstr("status 403"));
  environment_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "Bearer c";
  EXPECT_EQ(Get().access_key_id, "key-container");

  judge::Spill(home_.File(".aws/credentials"),
               "# mine\n[default]\naws_access_key_id = file-key\naws_secret_access_key=s=/x\n");
  EXPECT_EQ(Get().access_key_id, "file-key");
  EXPECT_EQ(Get().secret_access_key, "s=/x");

  judge::Spill(home_.File("token"), "web+token=\n");
  environment_["AWS_WEB_IDENTITY_TOKEN_FILE"] = home_.File("token");
  environment_["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  environment_["AWS_ENDPOINT_URL_STS"] = Endpoints();
  EXPECT_EQ(Get().access_key_id, "key-web");
  EXPECT_EQ(Get().session_token, "arn:aws:iam::1:role/r");
  EXPECT_TRUE(Get().expires);

  environment_["AWS_ACCESS_KEY_ID"] = "environment-key";
  environment_["AWS_SECRET_ACCESS_KEY"] = "s";
  EXPECT_EQ(Get().access_key_id, "environment-key");
  EXPECT_EQ(Get().expires, std::nullopt);

  auto options = Options();
  options.keys = AwsCredentials{"given", "s", "", {}};
  EXPECT_EQ(AwsCredentialsProvider(options, http_).Get().access_key_id, "given");
}

TEST_F(AwsCredentialsTest, ProfilesComeFromBothFiles) {
  judge::Spill(home_.File(".aws/credentials"), "[work]\naws_access_key_id=w\naws_secret_access_key=ws\n[default]\n");
  judge::Spill(home_.File(".aws/config"),
               "[default]\nregion = eu-west-1\n[profile work]\nregion=eu-north-1\ns3 =\n  region = nested\n"
               "[profile program]\ncredential_process = touch " +
                   home_.File("ran") + "\n");
  EXPECT_EQ(Get("work").access_key_id, "w");
  EXPECT_EQ(AwsRegion(Options("work")), "eu-north-1");
  EXPECT_EQ(AwsRegion(Options()), "eu-west-1");
  environment_["AWS_PROFILE"] = "work";
  EXPECT_EQ(Get().access_key_id, "w");
  environment_["AWS_REGION"] = "us-west-2";
  EXPECT_EQ(AwsRegion(Options()), "us-west-2");
  EXPECT_THAT(ErrorOf("absent"), HasSubstr("there is no AWS profile 'absent'"));
  EXPECT_THAT(ErrorOf("program"), HasSubstr("millrace runs no credential_process"));
  EXPECT_FALSE(std::filesystem::exists(home_.File("ran")));
}

TEST_F(AwsCredentialsTest, SignOnSessionIsTradedForKeys) {
  environment_["AWS_ENDPOINT_URL_SSO"] = Endpoints();
  judge::Spill(home_.File(".aws/config"),
               "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp\n"
               "[profile dev]\nsso_session = corp\nsso_account_id = 123\nsso_role_name = Reader\n"
               "[profile other]\nsso_session = corp\nsso_account_id = 123\nsso_role_name = Writer\n");
  EXPECT_THAT(ErrorOf("dev"), HasSubstr("run `aws sso login`"));
  // The name of the cache file is the SHA-1 of the session's: `printf corp | sha1sum`.
  const auto cache = home_.File(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json");
  judge::Spill(cache, R"({"accessToken": "sso-token", "expiresAt": "2020-01-01T00:00:00Z"})");
  EXPECT_THAT(ErrorOf("dev"), HasSubstr("run `aws sso login`"));
  judge::Spill(cache, R"({"accessToken": 1, "expiresAt": 2})");
  EXPECT_THAT(ErrorOf("dev"), HasSubstr("in a form that is not known"));
  judge::Spill(cache, R"({"accessToken": "sso-token", "expiresAt": "2099-01-01T00:00:00Z"})");
  EXPECT_EQ(Get("dev").access_key_id, "key-sso");
  const auto refused = ErrorOf("other");
  EXPECT_THAT(refused, HasSubstr("status 401"));
  EXPECT_THAT(refused, Not(HasSubstr("sso-token")));
}

class SetClock final : public Clock {
 public:
  Timestamp Now() const override { return System().Now() + ahead; }
  SteadyTime Steady() const override { return System().Steady(); }
  bool SleepFor(std::chrono::nanoseconds, std::stop_token) const override { return true; }
  std::chrono::minutes ahead{0};
};

TEST_F(AwsCredentialsTest, KeptUntilShortlyBeforeTheyExpire) {
  environment_.erase("AWS_EC2_METADATA_DISABLED");
  environment_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = Endpoints();
  SetClock clock;
  auto options = Options();
  options.clock = &clock;
  AwsCredentialsProvider provider(options, http_);
  const auto first = provider.Get();
  clock.ahead = std::chrono::minutes(50);
  EXPECT_EQ(provider.Get().session_token, first.session_token);
  provider.Forget({"other", "", "", {}});
  EXPECT_EQ(provider.Get().session_token, first.session_token);
  clock.ahead = std::chrono::minutes(56);
  EXPECT_NE(provider.Get().session_token, first.session_token);

  environment_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1";
  EXPECT_NO_THROW(provider.Get()) << "the old ones still serve";
  clock.ahead = std::chrono::minutes(90);
  EXPECT_THROW(provider.Get(), Error);
}

TEST_F(AwsCredentialsTest, TokensGoInTheClearOnlyToOwnAddresses) {
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/container";
  EXPECT_THAT(ErrorOf(), HasSubstr("must be https"));
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1.example.com/container";
  EXPECT_THAT(ErrorOf(), HasSubstr("must be https"));
}

}  // namespace
}  // namespace millrace::io
