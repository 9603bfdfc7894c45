#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/http_client.h"
#include "io/s3_error.h"
#include "io/s3_options.h"
#include "io/server_clock.h"

namespace millrace::io {

/// The headers that differ between services of the same API.
struct S3Words {
  SignatureDialect dialect;
  std::string service;
  HttpHeader create_only;       // a put that has it creates and never overwrites
  std::string writer_header;    // metadata that tells one writer's object from another's
  std::string checksum_header;  // of the body's SHA-256 in Base64, stored with the object; empty: none
};

struct S3Request {
  std::string method = "GET";
  std::string key;    // below the prefix; empty: the bucket itself
  std::string query;  // encoded
  std::vector<HttpHeader> headers = {};
  std::string_view body = {};
  int64_t response_bytes_max = int64_t{64} << 20;
  std::string payload_sha256 = {};  // hexadecimal; empty: computed
  std::string below = {};           // of a listing: the prefix of its keys
};

struct S3Answer {
  HttpResponse response;
  S3Refusal refusal;  // filled unless the status is 2xx
  /// An earlier attempt of this request may have been carried out although its answer was lost.
  bool may_have_happened = false;

  bool ok() const { return response.status >= 200 && response.status < 300 && refusal.code.empty(); }
};

/// Signs requests and sends them, again when the failure may pass: with backoff, within the retry budget, with newer
/// credentials once when the old ones expired, with the server's time when ours is off. Thread-safe.
class S3Client {
 public:
  explicit S3Client(S3Options options);

  /// Any answer that will not pass by itself. Error kUnavailable when the retries are used up.
  S3Answer Send(const S3Request& request);

  const S3Options& options() const { return options_; }
  const S3Words& words() const { return words_; }
  std::string FullKey(const std::string& key) const;
  std::string UriOf(const std::string& key) const;
  /// "PUT s3://bucket/key", for messages.
  std::string What(const S3Request& request) const;

 private:
  class Attempts;
  AwsCredentials CredentialsFor(const std::string& key);
  void Forget(const std::string& key, const AwsCredentials& used);
  HttpRequest Signed(const S3Request& request, const AwsCredentials& credentials) const;

  S3Options options_;
  S3Words words_;
  std::string url_;
  HttpClient http_;
  AwsCredentialsProvider credentials_;
  RetryBudget budget_;
  ServerClock clock_;
};

}  // namespace millrace::io
