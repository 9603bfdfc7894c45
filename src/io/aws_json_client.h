#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/aws_credentials.h"
#include "io/http_client.h"
#include "io/retry_budget.h"
#include "io/server_clock.h"

namespace millrace::io {

/// A service of AWS that takes operations as JSON, or what speaks its protocol.
struct AwsJsonOptions {
  std::string service;  // as signatures name it, and its host: "dynamodb"
  std::string target;   // before the operation in X-Amz-Target: "DynamoDB_20120810"
  std::string content_type = "application/x-amz-json-1.0";
  std::string endpoint;  // "http://host:port"; empty: the service's own
  std::string region;    // empty: AwsRegion
  std::string ca_file;
  AwsCredentialsOptions credentials;
  std::chrono::milliseconds timeout{30'000};
  RetryBudget::Options retry;
};

/// Why the service did not do it: {"__type": "...#ConditionalCheckFailedException", "message": "..."}.
struct AwsRefusal {
  int status = 0;
  std::string code = {};  // without what stands before the '#'
  std::string message = {};
};

struct AwsJsonAnswer {
  std::string body;    // JSON
  AwsRefusal refusal;  // filled unless ok
  bool ok() const { return refusal.status == 0; }
};

/// Signs operations and sends them, again when the failure may pass (throttling too): with backoff, within the retry
/// budget, with newer credentials once when the old ones expired, with the service's time when ours is off. What is
/// sent may be done twice: for operations that bear it. Thread-safe.
class AwsJsonClient {
 public:
  /// Error kConfig when nothing says the region.
  explicit AwsJsonClient(AwsJsonOptions options);

  /// Any answer that will not pass by itself. Error kUnavailable when the retries are used up.
  AwsJsonAnswer Send(const std::string& operation, std::string_view body);
  /// For operations that must not be done twice: again only after what is certain to have done nothing (throttling,
  /// keys, a server that was not reached). Any other answer, 5xx too. HttpFailure when none came.
  AwsJsonAnswer SendOnce(const std::string& operation, std::string_view body);

  const AwsJsonOptions& options() const { return options_; }

 private:
  class Attempts;

  const AwsJsonOptions options_;
  const std::string url_;
  HttpClient http_;
  AwsCredentialsProvider credentials_;
  RetryBudget budget_;
  ServerClock clock_;
};

/// kConfig where keys or rights are wrong, else kStop. `what` is what was asked: "PutItem into the table orders".
Error ErrorOf(const AwsRefusal& refusal, const std::string& what);

}  // namespace millrace::io
