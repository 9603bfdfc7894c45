#include "catalog/rest/rest_auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "catalog/rest/rest_catalog.h"
#include "io/local_object_store.h"
#include "judge/python.h"
#include "services/service.h"

namespace millrace::catalog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Time that stands still but for what a test adds.
class HandClock final : public Clock {
 public:
  Timestamp Now() const override { return System().Now(); }
  SteadyTime Steady() const override { return now_; }
  bool SleepFor(std::chrono::nanoseconds, std::stop_token) const override { return true; }
  void Advance(std::chrono::seconds seconds) { now_ += seconds; }

 private:
  SteadyTime now_ = System().Steady();
};

/// A door that lets in who proves himself (tests/services/catalog_door.py); botocore judges signatures.
class RestAuthTest : public testing::Test {
 protected:
  RestCatalog Open(RestAuthentication authentication) {
    return {{.uri = door_.address(), .authentication = std::move(authentication)}, *store_, clock_};
  }
  OAuth2Options Client() const {
    return {.client_id = "millrace",
            .client_secret = "its secret",
            .scope = "PRINCIPAL_ROLE:ALL",
            .audience = "lake",
            .resource = "https://lake/x"};
  }
  std::string Ask(const std::string& path) {
    io::HttpRequest request;
    request.url = door_.address() + path;
    return io::HttpClient().Send(request).body;
  }
  Error FailureOf(RestAuthentication authentication) {
    try {
      Open(std::move(authentication));
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::kInternal, "nothing was thrown"};
  }

  judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_ = io::LocalObjectStore::Open(folder_.path());
  HandClock clock_;
  services::Service door_{"catalog_door.py", {"1000"}};
};

TEST_F(RestAuthTest, OneTokenServesUntilShortlyBeforeItExpires) {
  auto catalog = Open(Client());
  catalog.ListNamespaces();
  EXPECT_EQ(Ask("/given"), "1");
  clock_.Advance(std::chrono::seconds(930));
  catalog.ListNamespaces();
  EXPECT_EQ(Ask("/given"), "1");
  clock_.Advance(std::chrono::seconds(20));
  catalog.ListNamespaces();
  EXPECT_EQ(Ask("/given"), "2");
}

TEST_F(RestAuthTest, ARevokedTokenIsReplacedOnce) {
  auto catalog = Open(Client());
  Ask("/revoke");
  EXPECT_THAT(catalog.ListNamespaces(), ElementsAre("a", "a.x y", "b"));
  EXPECT_EQ(Ask("/given"), "2");
}

TEST_F(RestAuthTest, AWrongSecretIsOneSentenceWithoutIt) {
  auto client = Client();
  client.client_secret = "hunter2";
  const Error error = FailureOf(client);
  EXPECT_EQ(error.code(), ErrorCode::kConfig);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("gave no token (status 400, invalid_client)"), Not(HasSubstr("hunter2"))));
}

TEST_F(RestAuthTest, ATokenGivenByHandIsUsedAsItIs) {
  EXPECT_THAT(Open(BearerToken{"given by hand"}).ListTables("a.x y"), ElementsAre(TableName{"a.x y", "t"}));
  const Error error = FailureOf(BearerToken{"wrong"});
  EXPECT_EQ(error.code(), ErrorCode::kConfig);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("who are you"), HasSubstr("check the credentials")));
  EXPECT_EQ(FailureOf(std::monostate()).code(), ErrorCode::kConfig);
}

TEST_F(RestAuthTest, BotocoreFindsTheSignaturesRight) {
  if (!std::filesystem::exists(std::string(MILLRACE_DEPS_DIR) + "/moto")) {
    GTEST_SKIP() << "no botocore is here: run scripts/setup --servers";
  }
  SigV4Options options{.signing_name = "glue", .signing_region = "eu-west-1"};
  options.credentials.keys = io::AwsCredentials{
      .access_key_id = "AKID", .secret_access_key = "key of the test", .session_token = "", .expires = std::nullopt};
  auto catalog = Open(options);
  EXPECT_THAT(catalog.ListNamespaces(), ElementsAre("a", "a.x y", "b"));
  EXPECT_THAT(catalog.ListTables("a.x y"), ElementsAre(TableName{"a.x y", "t"}));
  options.credentials.keys->secret_access_key = "another";
  EXPECT_THAT(FailureOf(options).what(), HasSubstr("the signature is wrong"));
}

}  // namespace
}  // namespace millrace::catalog
