#include "catalog/glue/glue_client.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "schema/json_object.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;

constexpr int kPagesMax = 100'000;
constexpr const char* kMissing = "EntityNotFoundException";

io::AwsJsonOptions ServerOf(io::AwsJsonOptions options) {
  options.service = "glue";
  options.target = "AWSGlue";
  options.content_type = "application/x-amz-json-1.1";
  return options;
}

std::string Said(const io::AwsRefusal& refusal) {
  return fmt::format("Glue answers {} {}{}{}", refusal.status, refusal.code, refusal.message.empty() ? "" : ": ",
                     refusal.message);
}

std::optional<GlueOutcome> OutcomeOf(const io::AwsRefusal& refusal) {
  constexpr std::array kKnown = {
      std::pair{"AlreadyExistsException", GlueOutcome::kExists},
      std::pair{kMissing, GlueOutcome::kMissing},
      std::pair{"ConcurrentModificationException", GlueOutcome::kStale},
      std::pair{"VersionMismatchException", GlueOutcome::kStale},
      std::pair{"ResourceNotReadyException", GlueOutcome::kNotDone},
      std::pair{"OperationTimeoutException", GlueOutcome::kUnclear},
      std::pair{"InternalServiceException", GlueOutcome::kUnclear},
  };
  for (const auto& [code, outcome] : kKnown) {
    if (refusal.code == code) return outcome;
  }
  if (refusal.status >= 500 || refusal.status == 408) return GlueOutcome::kUnclear;
  return std::nullopt;
}

json Parsed(const std::string& body, const std::string& doing) {
  return body.empty() ? json::object() : schema::ParseJson(body, "Glue's answer to " + doing);
}

}  // namespace

GlueClient::GlueClient(GlueOptions options)
    : catalog_id_(std::move(options.catalog_id)), client_(ServerOf(std::move(options.server))) {}

std::string GlueClient::Body(json request) const {
  if (!catalog_id_.empty()) request["CatalogId"] = catalog_id_;
  return request.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<json> GlueClient::Ask(const std::string& operation, json request, const std::string& doing) {
  const auto answer = client_.Send(operation, Body(std::move(request)));
  if (answer.ok()) return Parsed(answer.body, doing);
  if (answer.refusal.code == kMissing) return std::nullopt;
  if (answer.refusal.code == "OperationTimeoutException")
    throw Error(ErrorCode::kUnavailable, fmt::format("{}: {}; try again later", doing, Said(answer.refusal)));
  throw io::ErrorOf(answer.refusal, doing);
}

bool GlueClient::ForEachPage(const std::string& operation, json request, const std::string& doing,
                             const std::function<void(const json& page)>& visit) {
  for (int page = 0; page < kPagesMax; ++page) {
    const auto answer = Ask(operation, request, doing);
    if (!answer) return false;
    visit(*answer);
    const auto* token = schema::JsonObject(*answer, "").MaybeString("NextToken");
    if (token == nullptr || token->empty()) return true;
    request["NextToken"] = *token;
  }
  throw Error(ErrorCode::kStop, fmt::format("{}: Glue gives page after page, more than {}", doing, kPagesMax));
}

GlueChange GlueClient::Change(const std::string& operation, json request, const std::string& doing) {
  io::AwsJsonAnswer answer;
  try {
    FaultPoint("catalog.glue_change.before");
    answer = client_.SendOnce(operation, Body(std::move(request)));
    FaultPoint("catalog.glue_change.after");
  } catch (const io::HttpFailure& failure) {
    if (failure.may_have_arrived()) return {GlueOutcome::kUnclear, failure.message()};
    return {GlueOutcome::kNotDone, "the request did not reach Glue: " + failure.message()};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    return {GlueOutcome::kNotDone, error.what()};
  }
  if (answer.ok()) {
    // Done, whatever it says of it: only batches have an answer that matters, and those may be sent again.
    auto said = schema::MaybeParseJson(answer.body);
    return {.answer = said ? std::move(*said) : json::object()};
  }
  const auto outcome = OutcomeOf(answer.refusal);
  if (!outcome) throw io::ErrorOf(answer.refusal, doing);
  return {*outcome, Said(answer.refusal)};
}

GlueOutcome Decided(const GlueChange& change, const std::string& doing) {
  switch (change.outcome) {
    case GlueOutcome::kDone:
    case GlueOutcome::kExists:
    case GlueOutcome::kMissing:
      return change.outcome;
    case GlueOutcome::kStale:
    case GlueOutcome::kNotDone:
      throw Error(ErrorCode::kUnavailable, fmt::format("{}: {}; try again", doing, change.why));
    case GlueOutcome::kUnclear:
      break;
  }
  throw Error(ErrorCode::kUnavailable,
              fmt::format("{}: Glue may or may not have done it ({}); look, then try again", doing, change.why));
}

}  // namespace millrace::catalog
