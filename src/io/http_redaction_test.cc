#include "io/http_redaction.h"

#include <gtest/gtest.h>

#include <string>

#include "io/digest.h"

namespace millrace::io {
namespace {

HttpRequest With(std::string name, std::string value) {
  HttpRequest request;
  request.headers = {{"Accept", "application/json"}, {std::move(name), std::move(value)}};
  return request;
}

TEST(HttpRedaction, CredentialsOfAuthorizationAreHidden) {
  const auto request = With("authorization", "Bearer a-token-of-ours");
  EXPECT_EQ(WithoutSecretsOf(request, "no: Bearer a-token-of-ours, a-token-of-ours"), "no: Bearer ***, ***");
  EXPECT_EQ(WithoutSecretsOf(request, "another-token"), "another-token");
  EXPECT_EQ(WithoutSecretsOf(With("Authorization", "a-bare-credential"), "<a-bare-credential>"), "<***>");
}

TEST(HttpRedaction, APasswordIsHiddenAsItIsAndAsItWasSent) {
  std::string pair;
  ASSERT_TRUE(DecodeBase64("dXNlcjpwYXNzOndvcmQh", pair));
  ASSERT_EQ(pair, "user:pass:word!");
  const auto request = With("Authorization", "Basic dXNlcjpwYXNzOndvcmQh");
  EXPECT_EQ(WithoutSecretsOf(request, "user 'user' with pass:word! (dXNlcjpwYXNzOndvcmQh)"),
            "user 'user' with *** (***)");
}

TEST(HttpRedaction, WhatAwsWasGivenIsHidden) {
  auto request = With("Authorization",
                      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/glue/aws4_request, "
                      "SignedHeaders=host, Signature=5d672d79c15b13162d9279b0855cfba6");
  request.headers.push_back({"x-amz-security-token", "a-short-lived-token"});
  EXPECT_EQ(WithoutSecretsOf(request, "The key AKIDEXAMPLE is unknown, token a-short-lived-token has expired"),
            "The key *** is unknown, token *** has expired");
}

TEST(HttpRedaction, ASecretOfAFormIsHiddenAsItIsAndEncoded) {
  HttpRequest request;
  request.body = "grant_type=client_credentials&client_secret=a%2Bb+c%3Dd-long&scope=lake";
  EXPECT_EQ(WithoutSecretsOf(request, "secret a+b c=d-long, sent as a%2Bb+c%3Dd-long; scope lake"),
            "secret ***, sent as ***; scope lake");
  request.body = "client_secret=at-the-very-end";
  EXPECT_EQ(WithoutSecretsOf(request, "at-the-very-end"), "***");
  request.body = "client_secret=broken-%zz-escape";  // as it came, at least
  EXPECT_EQ(WithoutSecretsOf(request, "<broken-%zz-escape>"), "<***>");
}

TEST(HttpRedaction, WhatMayStandAnywhereStays) {
  EXPECT_EQ(WithoutSecretsOf(With("Authorization", "Bearer short"), "a short story"), "a short story");
  EXPECT_EQ(WithoutSecretsOf(With("Authorization", "Bearer "), "all of it"), "all of it");
  EXPECT_EQ(WithoutSecretsOf(With("X-Other", "a-token-of-ours"), "a-token-of-ours"), "a-token-of-ours");
  EXPECT_EQ(WithoutSecretsOf(With("Authorization", "Bearer a-token-of-ours"), ""), "");
}

/// What stands for one may be part of another: it comes to an end.
TEST(HttpRedaction, ASecretOfStarsEnds) {
  EXPECT_EQ(WithoutSecretsOf(With("Authorization", "Bearer *********"), "<*********>"), "<***>");
  EXPECT_EQ(WithoutSecretsOf(With("Authorization", "Bearer a-secret"), "a-secreta-secreta-secre"), "******a-secre");
}

}  // namespace
}  // namespace millrace::io
