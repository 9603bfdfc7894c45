#include "io/grpc_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <exception>
#include <utility>

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

std::string Framed(std::string_view message) {
  const auto size = static_cast<uint32_t>(message.size());
  std::string frame(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(size >> shift & 0xff);
  return frame.append(message);
}

/// Takes messages out of a body as it comes.
class Unframer {
 public:
  explicit Unframer(const GrpcCall& call, std::vector<std::string>& messages) : call_(call), messages_(messages) {}

  /// False when it cannot be read: a message is compressed, which nobody asked for, or it is too large.
  bool Take(std::string_view bytes) {
    rest_.append(bytes);
    std::string_view body = rest_;
    while (body.size() >= kPrefixBytes) {
      size_t size = 0;
      for (size_t i = 1; i < kPrefixBytes; ++i) size = size << 8 | static_cast<unsigned char>(body[i]);
      if (body[0] != '\0' || taken_ + size > static_cast<size_t>(call_.answer_bytes_max)) return false;
      if (body.size() - kPrefixBytes < size) break;
      Give(body.substr(kPrefixBytes, size));
      body.remove_prefix(kPrefixBytes + size);
    }
    rest_.erase(0, rest_.size() - body.size());
    return true;
  }
  bool whole() const { return rest_.empty(); }

 private:
  void Give(std::string_view message) {
    if (call_.on_message) return call_.on_message(message);
    taken_ += message.size();
    messages_.emplace_back(message);
  }

  const GrpcCall& call_;
  std::vector<std::string>& messages_;
  std::string rest_;
  size_t taken_ = 0;  // of messages that are kept
};

/// Behind the body, or before one that is empty.
std::optional<std::string_view> Said(const HttpResponse& response, std::string_view name) {
  const auto behind = FindHeader(response.trailers, name);
  return behind ? behind : response.header(name);
}

GrpcAnswer AnswerOf(const HttpResponse& response, const GrpcCall& call) {
  const auto status = Said(response, "grpc-status");
  if (!status) {
    return {GrpcCodeOfStatus(response.status),
            fmt::format("status {} without a grpc-status: no gRPC server answered at {}", response.status,
                        call.url.substr(0, call.url.rfind('/')))};
  }
  GrpcAnswer answer{.code = GrpcCode::kUnknown};
  int code = -1;
  std::from_chars(status->data(), status->data() + status->size(), code);
  if (code >= 0 && code < static_cast<int>(kWords.size())) answer.code = static_cast<GrpcCode>(code);
  if (answer.code == GrpcCode::kOk) return answer;
  const auto message = Said(response, "grpc-message").value_or("");
  answer.message = PercentDecoded(message, false).value_or(std::string(message)).substr(0, call.reason_bytes_max);
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
  request.version = HttpVersion::k2;
  std::vector<std::string> messages;
  Unframer unframer(call, messages);
  bool readable = true;
  std::exception_ptr thrown;
  request.on_body = [&](std::string_view bytes) {
    try {
      readable = unframer.Take(bytes);
      return readable;
    } catch (...) {  // it must not pass through the library's frames
      thrown = std::current_exception();
      return false;
    }
  };
  try {
    auto answer = AnswerOf(http.Send(request, OutagePatience::Stop()), call);
    answer.messages = std::move(messages);
    if (answer.code != GrpcCode::kOk || unframer.whole()) return answer;
  } catch (const HttpFailure&) {
    if (thrown) std::rethrow_exception(thrown);
    if (readable) throw;
  }
  return {GrpcCode::kInternal, "the messages of the answer cannot be read"};
}

}  // namespace millrace::io
