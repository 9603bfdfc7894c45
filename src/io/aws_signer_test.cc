#include "io/aws_signer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace millrace::io {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

std::string Signed(HttpRequest request, const AwsCredentials& credentials, const AwsSigning& signing,
                   const std::string& time) {
  SignRequest(request, credentials, signing, *ParseTimestamp(time));
  return request.headers.back().value;
}

HttpRequest Request(const std::string& method, const std::string& url, std::vector<HttpHeader> headers = {}) {
  HttpRequest request;
  request.method = method;
  request.url = url;
  request.headers = std::move(headers);
  return request;
}

/// The published suite "aws-sig-v4-test-suite": the names of the cases are its own.
std::string SuiteCase(const HttpRequest& request) {
  const AwsCredentials credentials{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", {}};
  return Signed(request, credentials, {.region = "us-east-1", .service = "service"}, "2015-08-30T12:36:00Z");
}

TEST(AwsSigner, PublishedSuite) {
  const std::string host = "https://example.amazonaws.com";
  EXPECT_EQ(
      SuiteCase(Request("GET", host + "/")),  // get-vanilla
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
      "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_THAT(SuiteCase(Request("POST", host + "/")),  // post-vanilla
              EndsWith("5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"));
  EXPECT_THAT(SuiteCase(Request("GET", host + "/?Param2=value2&Param1=value1")),  // get-vanilla-query-order-key-case
              EndsWith("b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"));
  EXPECT_THAT(SuiteCase(Request("GET", host + "/?Param1=value2&Param1=Value1")),  // get-vanilla-query-order-value
              EndsWith("eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"));
}

TEST(AwsSigner, PublishedExampleOfIam) {
  const AwsCredentials credentials{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", {}};
  const auto request = Request("GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
                               {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}});
  EXPECT_THAT(Signed(request, credentials, {.region = "us-east-1", .service = "iam"}, "2015-08-30T12:36:00Z"),
              EndsWith("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"));
}

/// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
std::string S3Example(const HttpRequest& request) {
  const AwsCredentials credentials{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", {}};
  return Signed(request, credentials, {.region = "us-east-1", .service = "s3"}, "2013-05-24T00:00:00Z");
}

TEST(AwsSigner, PublishedExamplesOfS3) {
  const std::string bucket = "https://examplebucket.s3.amazonaws.com";
  EXPECT_THAT(S3Example(Request("GET", bucket + "/test.txt", {{"Range", "bytes=0-9"}})),
              EndsWith("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
                       "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
  auto put = Request("PUT", bucket + "/test%24file.text",
                     {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}});
  put.body = "Welcome to Amazon S3.";
  EXPECT_THAT(S3Example(put), EndsWith("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
  EXPECT_THAT(S3Example(Request("GET", bucket + "/?lifecycle")),
              EndsWith("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  EXPECT_THAT(S3Example(Request("GET", bucket + "/?max-keys=2&prefix=J")),
              EndsWith("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(AwsSigner, SessionTokenAndPayloadAreSigned) {
  const AwsCredentials credentials{"AKID", "secret", "token", {}};
  const auto request = Request("GET", "https://h:443/");
  EXPECT_THAT(Signed(request, credentials, {.region = "r", .service = "s3"}, "2015-08-30T12:36:00Z"),
              HasSubstr("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token"));
  EXPECT_THAT(Signed(request, credentials, {.region = "r", .service = "glue"}, "2015-08-30T12:36:00Z"),
              HasSubstr("SignedHeaders=host;x-amz-date;x-amz-security-token"));
  const AwsSigning google{.region = "auto", .service = "storage", .dialect = kGoogleSignature};
  EXPECT_THAT(
      Signed(request, credentials, google, "2015-08-30T12:36:00Z"),
      HasSubstr("GOOG4-HMAC-SHA256 Credential=AKID/20150830/auto/storage/goog4_request, SignedHeaders=host;x-goog-"));
}

}  // namespace
}  // namespace millrace::io
