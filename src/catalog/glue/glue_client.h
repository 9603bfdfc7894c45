#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>

#include "io/aws_json_client.h"

namespace millrace::catalog {

struct GlueOptions {
  io::AwsJsonOptions server;  // service, target and content type are set here
  std::string catalog_id;     // an account's number; empty: the account of the keys
};

/// What became of a request that changes something.
enum class GlueOutcome {
  kDone,
  kExists,   // AlreadyExistsException
  kMissing,  // EntityNotFoundException
  kStale,    // somebody changed it first
  kNotDone,  // not reached, throttled to the end, or not ready: nothing happened
  kUnclear,  // it may have happened, or may happen yet
};
struct GlueChange {
  GlueOutcome outcome = GlueOutcome::kDone;
  std::string why = {};        // in one sentence, but for kDone
  nlohmann::json answer = {};  // of kDone
};

/// The operations of the AWS Glue Data Catalog as JSON (docs.aws.amazon.com/glue/latest/webapi). Thread-safe.
class GlueClient {
 public:
  /// Error kConfig when nothing says the region.
  explicit GlueClient(GlueOptions options);

  /// Of what only reads; nullopt when there is no such thing. `doing` is "reading the table silver.users".
  std::optional<nlohmann::json> Ask(const std::string& operation, nlohmann::json request, const std::string& doing);
  /// Page after page; `visit` gets each answer. False when there is no such thing.
  bool ForEachPage(const std::string& operation, nlohmann::json request, const std::string& doing,
                   const std::function<void(const nlohmann::json& page)>& visit);
  /// Sent once, so that a lost answer is kUnclear and own success is never taken for another's. Error kConfig or kStop
  /// when it is refused for what it is.
  GlueChange Change(const std::string& operation, nlohmann::json request, const std::string& doing);

  /// Whether it is AWS's own service, at the address that it has by itself.
  bool is_aws() const { return client_.options().endpoint.empty(); }

 private:
  std::string Body(nlohmann::json request) const;

  const std::string catalog_id_;
  io::AwsJsonClient client_;
};

/// The answer to `doing` where it must have been done or not; Error kUnavailable of what is neither.
GlueOutcome Decided(const GlueChange& change, const std::string& doing);

}  // namespace millrace::catalog
