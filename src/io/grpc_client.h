#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "io/http_client.h"

namespace millrace::io {

/// https://grpc.io/docs/guides/status-codes/, frozen by the protocol.
enum class GrpcCode {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};
/// "ALREADY_EXISTS", and back; kUnknown for another word.
std::string_view ToString(GrpcCode code);
GrpcCode GrpcCodeOf(std::string_view word);
/// What HTTP says where gRPC says nothing: a proxy between answered.
/// https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
GrpcCode GrpcCodeOfStatus(int status);

struct GrpcAnswer {
  GrpcCode code = GrpcCode::kOk;
  std::string message = {};                // of a failure, for a person
  std::vector<std::string> messages = {};  // serialized; one, or of a streaming call any number
};

struct GrpcCall {
  std::string url;  // "https://host/package.Service/Method"
  std::vector<HttpHeader> headers = {};
  std::string_view message;  // serialized; must outlive the call
  std::chrono::milliseconds timeout{30'000};
  int64_t answer_bytes_max = int64_t{64} << 20;
  size_t reason_bytes_max = 300;  // of GrpcAnswer::message
  /// Given: messages of a streaming call go here as they come, and not into the answer; each may be as large as
  /// answer_bytes_max. What it throws ends the call.
  std::function<void(std::string_view message)> on_message = nullptr;
};

/// One call and all that comes back: unary, or streaming from the server, over HTTP/2 without compression. One attempt.
/// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
/// Throws HttpFailure when no whole answer came. What stops the thread's OutagePatience, if it has one, ends it.
GrpcAnswer CallGrpc(HttpClient& http, const GrpcCall& call);

}  // namespace millrace::io
