#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "io/http_client.h"

namespace millrace::io {

/// Keys that sign requests. Never printed.
struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;         // empty: long-lived keys
  std::optional<Timestamp> expires;  // none: never
  bool vended = false;               // handed out for a prefix (PrefixCredentials)
};

/// The words that differ between Amazon's signature and Google's for HMAC keys; the rest is the same.
struct SignatureDialect {
  std::string_view algorithm = "AWS4-HMAC-SHA256";
  std::string_view key_prefix = "AWS4";
  std::string_view request_word = "aws4_request";
  std::string_view header_prefix = "x-amz-";
};
inline constexpr SignatureDialect kAmazonSignature;
inline constexpr SignatureDialect kGoogleSignature{"GOOG4-HMAC-SHA256", "GOOG4", "goog4_request", "x-goog-"};

struct AwsSigning {
  std::string region;
  std::string service;  // "s3", "glue", "execute-api", "s3tables", "sts"
  /// Hexadecimal; empty: computed from the body.
  std::string payload_sha256 = {};
  SignatureDialect dialect = kAmazonSignature;
};

/// Signs by Signature Version 4 in the Authorization header: adds the date, the session token, the hash of the payload
/// (service "s3" and "s3tables", where it is a header too) and the signature. Every header that is there is signed, so
/// a proxy must not change them. The URL's path is taken as encoded already; all services but S3 encode it once more.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
void SignRequest(HttpRequest& request, const AwsCredentials& credentials, const AwsSigning& signing, Timestamp now);

}  // namespace millrace::io
