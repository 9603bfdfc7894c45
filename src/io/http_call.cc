#include "io/http_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace millrace::io {
namespace {

int StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUsage:
    case ErrorCode::kData:
      return 400;
    case ErrorCode::kConfig:
    case ErrorCode::kStop:
      return 409;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace

std::string HttpBody::ReadAll() {
  std::string all;
  for (auto piece = Read(); !piece.empty(); piece = Read()) all += piece;
  return all;
}

HttpRefusal::HttpRefusal(int status, std::string message, std::vector<HttpHeader> headers)
    : Error(status == 503 ? ErrorCode::kUnavailable : ErrorCode::kData, std::move(message)),
      status_(status),
      headers_(std::move(headers)) {}

size_t HttpCall::CountHeaders(std::string_view name) const {
  return static_cast<size_t>(
      std::ranges::count_if(headers, [&](const HttpHeader& header) { return SameHeaderName(header.name, name); }));
}

std::optional<std::string_view> HttpCall::header(std::string_view name) const {
  return CountHeaders(name) == 1 ? FindHeader(headers, name) : std::nullopt;
}

std::optional<std::string_view> HttpCall::QueryValue(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

HttpReply JsonReply(int status, std::string json) {
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(json), .stream = {}};
}

HttpReply ErrorReply(int status, std::string_view message) {
  const nlohmann::ordered_json body = {{"error_code", status}, {"message", message}};
  return JsonReply(status, body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

HttpReply ReplyTo(const std::exception& failure) {
  if (const auto* refusal = dynamic_cast<const HttpRefusal*>(&failure)) {
    auto reply = ErrorReply(refusal->status(), refusal->what());
    reply.headers.insert(reply.headers.end(), refusal->headers().begin(), refusal->headers().end());
    return reply;
  }
  const auto* error = dynamic_cast<const Error*>(&failure);
  if (error == nullptr || error->code() == ErrorCode::kInternal) {
    return ErrorReply(500, "an internal error; the log says more");
  }
  return ErrorReply(StatusOf(error->code()), error->what());
}

}  // namespace millrace::io
