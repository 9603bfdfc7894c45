#include "source/rest_proxy/rest_refusal.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace millrace::source {

std::string JsonText(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

RestProblem ProblemOf(const std::exception& failure) {
  if (const auto* rest = dynamic_cast<const RestRefusal*>(&failure)) {
    return {.status = rest->code() >= 1000 ? rest->code() / 100 : rest->code(),
            .code = rest->code(),
            .message = rest->message()};
  }
  if (const auto* refusal = dynamic_cast<const io::HttpRefusal*>(&failure)) {
    return {.status = refusal->status(),
            .code = refusal->status(),
            .message = refusal->message(),
            .headers = refusal->headers()};
  }
  const auto* error = dynamic_cast<const Error*>(&failure);
  if (error != nullptr && error->code() == ErrorCode::kUnavailable) {
    return {.status = 503, .code = kRetriable, .message = error->what(), .headers = {{"Retry-After", "1"}}};
  }
  if (error != nullptr && error->code() == ErrorCode::kData) {
    return {.status = 422, .code = kInvalidPayload, .message = error->what()};
  }
  // Anything else goes to the log (io::ReplyTo's rule): what it says is for who runs the program.
  return {.status = 500, .code = kKafkaError, .message = "the server failed; its log says why"};
}

std::string ProblemJson(const RestProblem& problem) {
  return fmt::format("{{\"error_code\":{},\"message\":{}}}", problem.code, JsonText(problem.message));
}

io::HttpReply ProblemReply(const RestProblem& problem, const char* media_type) {
  io::HttpReply reply{.status = problem.status, .headers = problem.headers, .body = ProblemJson(problem), .stream = {}};
  reply.headers.push_back({"Content-Type", media_type});
  return reply;
}

}  // namespace millrace::source
