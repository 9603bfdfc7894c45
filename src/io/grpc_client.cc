#include "io/grpc_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "io/http_routes.h"
#include "io/outage_patience.h"

namespace millrace::io {
namespace {

constexpr std::array<std::string_view, 17> kWords = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

/// A flag (1: compressed) and a length of four bytes before each message.
constexpr size_t kPrefixBytes = 5;
constexpr size_t kMessageBytesMax = 300;  // of what the server says, for a person

std::string Framed(std::string_view message) {
  const auto size = static_cast<uint32_t>(message.size());
  std::string frame(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(size >> shift & 0xff);
  return frame.append(message);
}

/// False when it ends in the middle of a message, or one is compressed, which nobody asked for.
bool TakeMessages(std::string_view body, std::vector<std::string>& messages) {
  while (!body.empty()) {
    if (body.size() < kPrefixBytes || body[0] != '\0') return false;
    size_t size = 0;
    for (size_t i = 1; i < kPrefixBytes; ++i) size = size << 8 | static_cast<unsigned char>(body[i]);
    body.remove_prefix(kPrefixBytes);
    if (body.size() < size) return false;
    messages.emplace_back(body.substr(0, size));
    body.remove_prefix(size);
  }
  return true;
}

/// Behind the body, or before one that is empty.
std::optional<std::string_view> Said(const HttpResponse& response, std::string_view name) {
  const auto behind = FindHeader(response.trailers, name);
  return behind ? behind : response.header(name);
}

GrpcAnswer AnswerOf(HttpResponse response, const std::string& url) {
  const auto status = Said(response, "grpc-status");
  if (!status) {
    return {GrpcCodeOfStatus(response.status),
            fmt::format("status {} without a grpc-status: no gRPC server answered at {}", response.status,
                        url.substr(0, url.rfind('/')))};
  }
  GrpcAnswer answer{.code = GrpcCode::kUnknown};
  int code = -1;
  std::from_chars(status->data(), status->data() + status->size(), code);
  if (code >= 0 && code < static_cast<int>(kWords.size())) answer.code = static_cast<GrpcCode>(code);
  if (answer.code != GrpcCode::kOk) {
    const auto message = Said(response, "grpc-message").value_or("");
    answer.message = PercentDecoded(message, false).value_or(std::string(message)).substr(0, kMessageBytesMax);
  } else if (!TakeMessages(response.body, answer.messages)) {
    return {GrpcCode::kInternal, "the messages of the answer cannot be read"};
  }
  return answer;
}

}  // namespace

std::string_view ToString(GrpcCode code) { return kWords.at(static_cast<size_t>(code)); }

GrpcCode GrpcCodeOf(std::string_view word) {
  const auto* const found = std::ranges::find(kWords, word);
  return found == kWords.end() ? GrpcCode::kUnknown : static_cast<GrpcCode>(found - kWords.begin());
}

GrpcCode GrpcCodeOfStatus(int status) {
  switch (status) {
    case 400:
      return GrpcCode::kInternal;
    case 401:
      return GrpcCode::kUnauthenticated;
    case 403:
      return GrpcCode::kPermissionDenied;
    case 404:
      return GrpcCode::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return GrpcCode::kUnavailable;
    default:
      return GrpcCode::kUnknown;
  }
}

GrpcAnswer CallGrpc(HttpClient& http, const GrpcCall& call) {
  const auto body = Framed(call.message);
  HttpRequest request;
  request.method = "POST";
  request.url = call.url;
  request.headers = {{"TE", "trailers"},
                     {"Content-Type", "application/grpc"},
                     {"grpc-timeout", fmt::format("{}m", call.timeout.count())}};
  request.headers.insert(request.headers.end(), call.headers.begin(), call.headers.end());
  request.body = body;
  request.timeout = call.timeout;
  request.response_bytes_max = call.answer_bytes_max;
  request.version = HttpVersion::k2;
  return AnswerOf(http.Send(request, OutagePatience::Stop()), call.url);
}

}  // namespace millrace::io
