#pragma once

#include <string>

#include "base/error.h"
#include "io/grpc_client.h"

namespace millrace::query {

/// What Spark says against a statement, and where in its text.
class SparkError final : public Error {
 public:
  SparkError(ErrorCode code, std::string message, int line = 0) : Error(code, std::move(message)), line_(line) {}
  /// Of the text that was sent, from 1; 0: it names no place.
  int line() const { return line_; }

 private:
  int line_;
};

/// `answer` is a failure. Its first sentences, without plans and stack traces. Error kUnavailable for what may pass,
/// kConfig for who may not ask and for a server that does not speak the protocol, kData for the rest. `server`: "Spark
/// at host:port".
SparkError SparkErrorOf(const io::GrpcAnswer& answer, const std::string& server);

/// The line that a message of Spark's names: "(line 3, pos 8)", "; line 3 pos 8", "(line 3, position 3)"; 0: none.
int LineIn(const std::string& message);

}  // namespace millrace::query
