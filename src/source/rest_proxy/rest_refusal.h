#pragma once

#include <exception>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/http_call.h"

namespace millrace::source {

/// Ends a request with a status and one of the error codes of Confluent's REST Proxy: the status, or the status and two
/// more digits.
class RestRefusal : public Error {
 public:
  RestRefusal(int code, std::string message) : Error(ErrorCode::kData, std::move(message)), code_(code) {}
  int code() const { return code_; }

 private:
  int code_;
};

inline constexpr int kNotAuthorized = 40301;
inline constexpr int kTopicNotFound = 40401;
inline constexpr int kPartitionNotFound = 40402;
inline constexpr int kTopicNotHosted = 40403;  // the v3 API's word for a topic that is not there
inline constexpr int kKeySchemaMissing = 42201;
inline constexpr int kValueSchemaMissing = 42202;
inline constexpr int kNotAsTheSchemaSays = 42203;
inline constexpr int kInvalidSchema = 42205;
inline constexpr int kInvalidPayload = 42206;
inline constexpr int kSerialization = 42207;
inline constexpr int kKafkaError = 50002;
inline constexpr int kRetriable = 50003;

/// What a client is told of a failure.
struct RestProblem {
  int status = 500;
  int code = kKafkaError;
  std::string message;
  std::vector<io::HttpHeader> headers{};
};
RestProblem ProblemOf(const std::exception& failure);

/// {"error_code":40401,"message":"..."}
std::string ProblemJson(const RestProblem& problem);
io::HttpReply ProblemReply(const RestProblem& problem, const char* media_type);

/// A text as a JSON string, with its quotes; what is no UTF-8 is replaced.
std::string JsonText(const std::string& text);

}  // namespace millrace::source
