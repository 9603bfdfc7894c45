#include "io/http_url.h"

#include <gtest/gtest.h>

namespace millrace::io {
namespace {

TEST(HttpUrl, SecretsGoOverTlsOrNowhere) {
  for (const auto* url : {"https://example.org/", "http://localhost:8080/x", "http://LOCALHOST", "http://127.0.0.1",
                          "http://127.8.0.1:1/", "http://[::1]:8080/"}) {
    EXPECT_TRUE(MaySendSecretsTo(url)) << url;
  }
  for (const auto* url :
       {"http://example.org/", "http://127.0.0.1:80@example.org/", "http://localhost@example.org/",
        "http://localhost.example.org/", "http://127.0.0.1.example.org", "http://10.0.0.1/", "ftp://127.0.0.1/", ""}) {
    EXPECT_FALSE(MaySendSecretsTo(url)) << url;
  }
}

}  // namespace
}  // namespace millrace::io
