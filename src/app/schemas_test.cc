#include "app/schemas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace millrace::app {
namespace {

SchemaRegistryConfig Configured() {
  SchemaRegistryConfig registry;
  registry.url = "https://one.example/ccompat, https://two.example:8443";
  registry.username = "u";
  registry.password = config::Secret("p");
  registry.ca_file = config::Path{"ca.pem"};
  return registry;
}

TEST(RegistryAtTest, SecretsGoWhereTheyWereMeantFor) {
  for (const char* url : {"https://one.example", "https://ONE.example:443/other", "https://two.example:8443/x",
                          "https://two.example:8443,https://one.example/ccompat"}) {
    const auto registry = RegistryAt(url, Configured());
    EXPECT_EQ(registry.url, url);
    EXPECT_EQ(registry.username, "u") << url;
    EXPECT_TRUE(registry.password) << url;
  }
}

TEST(RegistryAtTest, SecretsGoNowhereElse) {
  for (const char* url : {"http://one.example", "https://one.example:8443", "https://three.example",
                          "https://one.example@three.example", "http://", "https://one.example,http://localhost:1"}) {
    const auto registry = RegistryAt(url, Configured());
    EXPECT_EQ(registry.username, "") << url;
    EXPECT_FALSE(registry.password || registry.token) << url;
    EXPECT_TRUE(registry.ca_file) << url;
  }
}

TEST(RegistryAtTest, OtherThingsAreNoAddress) {
  EXPECT_THROW(RegistryAt("one.example:8081", std::nullopt), Error);
  EXPECT_EQ(RegistryAt("http://localhost:8081", std::nullopt).timeout, std::chrono::seconds(30));
}

}  // namespace
}  // namespace millrace::app
