#include "io/google_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "judge/python.h"
#include "services/ask_json.h"
#include "services/service.h"

namespace millrace::io {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class GoogleTokensTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(std::string(MILLRACE_DEPS_DIR) + "/googlefirestore")) {
      GTEST_SKIP() << "Google's library is not here: run scripts/setup --servers";
    }
    file_ = folder_.File("key.json");
    server_ = std::make_unique<services::Service>("google_tokens.py", std::vector<std::string>{file_});
    std::ostringstream text;
    text << std::ifstream(file_).rdbuf();
    key_ = nlohmann::json::parse(text.str());
  }
  GoogleTokens Open(const std::string& json, std::map<std::string, std::string> variables = {}) {
    GoogleCredentialsOptions options;
    options.json = json;
    options.scope = "https://www.googleapis.com/auth/datastore";
    options.environment = [variables](const std::string& name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    return {options, http_};
  }
  std::string RefusalOf(const std::string& json) {
    try {
      Open(json).Get();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kConfig);
      return error.what();
    }
    ADD_FAILURE() << "it got a token";
    return "";
  }
  int Asked() { return services::AskJson(server_->address() + "/asked"); }

  judge::Folder folder_;
  std::string file_;
  std::unique_ptr<services::Service> server_;
  nlohmann::json key_;
  HttpClient http_;
};

TEST_F(GoogleTokensTest, AnAccountSaysByItsKeyWhoItIsAndTheTokenIsKept) {
  auto tokens = Open(key_.dump());
  EXPECT_EQ(tokens.Get(), "account-1");
  EXPECT_EQ(tokens.Get(), "account-1");
  tokens.Forget("another one");
  EXPECT_EQ(tokens.Get(), "account-1");
  tokens.Forget("account-1");
  EXPECT_EQ(tokens.Get(), "account-2");
  EXPECT_EQ(Asked(), 2);
}

TEST_F(GoogleTokensTest, CredentialsAreLookedForWhereGooglesToolsLook) {
  EXPECT_EQ(Open("", {{"GOOGLE_APPLICATION_CREDENTIALS", file_}}).Get(), "account-1");
  const auto home = folder_.File("home");
  std::filesystem::create_directories(home + "/.config/gcloud");
  const nlohmann::json person = {{"type", "authorized_user"},
                                 {"client_id", "us"},
                                 {"client_secret", "hidden"},
                                 {"refresh_token", "hidden-refresh"},
                                 {"token_uri", server_->address() + "/token"}};
  std::ofstream(home + "/.config/gcloud/application_default_credentials.json") << person;
  EXPECT_EQ(Open("", {{"HOME", home}}).Get(), "person-2");
  const auto host = server_->address().substr(std::string("http://").size());
  EXPECT_EQ(Open("", {{"GCE_METADATA_HOST", host}}).Get(), "machine-3");
}

TEST_F(GoogleTokensTest, WhatIsWrongIsSaidWithoutSecrets) {
  EXPECT_THAT(RefusalOf("no json"), HasSubstr("no JSON object"));
  EXPECT_THAT(RefusalOf(R"({"type": "external_account"})"), HasSubstr("external_account"));
  auto broken = key_;
  broken["private_key"] = "-----BEGIN PRIVATE KEY-----\nhidden\n-----END PRIVATE KEY-----\n";
  EXPECT_THAT(RefusalOf(broken.dump()), AllOf(HasSubstr("no RSA key"), Not(HasSubstr("hidden"))));
  auto other = key_;
  other["client_email"] = "somebody@else";
  EXPECT_THAT(RefusalOf(other.dump()),
              AllOf(HasSubstr("status 400, invalid_grant"), HasSubstr("check the key"), Not(HasSubstr("assertion"))));
}

}  // namespace
}  // namespace millrace::io
