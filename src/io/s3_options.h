#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/aws_credentials.h"
#include "io/retry_budget.h"

namespace millrace::io {

/// Credentials that somebody else hands out, for the objects below some prefixes. Thread-safe.
class PrefixCredentials {
 public:
  virtual ~PrefixCredentials() = default;
  /// Those for the object at this URI; nullopt: none, the store's own serve.
  virtual std::optional<AwsCredentials> For(const std::string& uri) = 0;
  /// The store would not have `used` any more.
  virtual void Refused(const std::string& uri, const AwsCredentials& used) = 0;
};

/// What a bucket of an S3 service, or of Google's through its XML API, is reached by.
struct S3Options {
  std::string bucket;
  std::string prefix;              // of every key, without slashes at its ends; may be empty
  bool google = false;             // gs://: Google's words in headers, HMAC keys
  std::string endpoint;            // "http://host:port"; empty: the service's own
  std::string region;              // empty: AwsRegion, else us-east-1 (Google: auto)
  std::optional<bool> path_style;  // bucket in the path instead of the host; none: when an endpoint is given
  std::string ca_file;
  AwsCredentialsOptions credentials;
  std::shared_ptr<PrefixCredentials> vended = nullptr;  // go before `credentials`
  /// Up to this an object is put in one request; above, in parts of this. A writer buffers this much.
  int64_t part_bytes = int64_t{8} << 20;
  RetryBudget::Options retry;
};

struct S3Location {
  std::string scheme;
  std::string bucket;
  std::string prefix;
};

/// "s3://bucket/prefix", also s3a and s3n, and gs; nullopt for any other URI. Error kConfig when the bucket's name or
/// the prefix cannot be right.
std::optional<S3Location> ParseS3Uri(std::string_view uri);

/// The scheme, host and path under which the keys of a bucket lie, without a slash at its end. Error kConfig for an
/// endpoint that is no "http(s)://host[:port]".
std::string BucketUrl(const S3Options& options);

}  // namespace millrace::io
