#include "io/aws_json_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "io/outage_patience.h"

namespace millrace::io {
namespace {

using nlohmann::json;

bool IsOneOf(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::ranges::find(codes, code) != codes.end();
}

/// Refused before anything was done.
bool IsThrottled(const AwsRefusal& refusal) {
  return refusal.status == 429 || IsOneOf(refusal.code, {"ThrottlingException", "Throttling", "RequestLimitExceeded",
                                                         "TooManyRequestsException"});
}

bool IsPassing(const AwsRefusal& refusal) {
  return IsThrottled(refusal) || refusal.status >= 500 || refusal.status == 408 ||
         IsOneOf(refusal.code, {"ProvisionedThroughputExceededException", "LimitExceededException",
                                "InternalServerError", "ServiceUnavailable", "TransactionConflictException",
                                "TransactionInProgressException", "ReplicatedWriteConflictException"});
}

bool IsExpired(const AwsRefusal& refusal) {
  return IsOneOf(refusal.code, {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"});
}

bool IsClockSkew(const AwsRefusal& refusal) {
  return IsOneOf(refusal.code, {"RequestTimeTooSkewed", "RequestExpired", "InvalidSignatureException"});
}

AwsRefusal RefusalOf(const HttpResponse& response) {
  AwsRefusal refusal{.status = response.status};
  const auto said = json::parse(response.body, nullptr, false);
  if (!said.is_object()) return refusal;  // a proxy's page: the status must do
  const auto text = [&](const char* name) {
    const auto found = said.find(name);
    return found != said.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto type = text("__type");
  refusal.code = type.substr(type.find('#') + 1);  // npos + 1: all of it
  refusal.message = text("message").empty() ? text("Message") : text("message");
  refusal.message = refusal.message.substr(0, 300);
  return refusal;
}

std::string Said(const AwsRefusal& refusal, const std::string& what) {
  return fmt::format("{}: status {}{}{}{}{}", what, refusal.status, refusal.code.empty() ? "" : " ", refusal.code,
                     refusal.message.empty() ? "" : ", ", refusal.message);
}

AwsJsonOptions Completed(AwsJsonOptions options) {
  if (options.region.empty()) options.region = AwsRegion(options.credentials);
  if (options.region.empty()) {
    throw Error(ErrorCode::kConfig,
                fmt::format("the region of {} is not known; give `region`, or set AWS_REGION", options.service));
  }
  return options;
}

std::string UrlOf(const AwsJsonOptions& options) {
  if (!options.endpoint.empty()) return options.endpoint + (options.endpoint.ends_with('/') ? "" : "/");
  return fmt::format("https://{}.{}.amazonaws.com{}/", options.service, options.region,
                     options.region.starts_with("cn-") ? ".cn" : "");
}

HttpClient::Options HttpOptions(const AwsJsonOptions& options) {
  HttpClient::Options http;
  http.ca_file = options.ca_file;
  return http;
}

}  // namespace

/// The attempts of one operation.
class AwsJsonClient::Attempts {
 public:
  enum class Repeat { kAnything, kWhatDidNothing };

  Attempts(AwsJsonClient& client, const std::string& operation, std::string_view body, Repeat repeat)
      : client_(client), operation_(operation), body_(body), repeat_(repeat) {}

  AwsJsonAnswer Run() {
    for (;;) {
      ++attempts_;
      if (auto answer = Once()) return std::move(*answer);
    }
  }

 private:
  /// nullopt: it failed and was waited for.
  std::optional<AwsJsonAnswer> Once() {
    AwsCredentials credentials;
    HttpResponse response;
    try {
      credentials = client_.credentials_.Get();
      response = client_.http_.Send(Signed(credentials), OutagePatience::Stop());
    } catch (const HttpFailure& failure) {
      const bool may_repeat = repeat_ == Repeat::kAnything || !failure.may_have_arrived();
      if (!may_repeat || !client_.budget_.WaitToRetry(attempts_)) throw;
      return std::nullopt;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnavailable || !client_.budget_.WaitToRetry(attempts_)) throw;
      return std::nullopt;
    }
    if (response.status >= 200 && response.status <= 299) {
      client_.budget_.Succeeded();
      return AwsJsonAnswer{std::move(response.body), {}};
    }
    auto refusal = RefusalOf(response);
    if (Mended(refusal, response, credentials)) return std::nullopt;
    const bool passes = repeat_ == Repeat::kAnything ? IsPassing(refusal) : IsThrottled(refusal);
    if (!passes) return AwsJsonAnswer{{}, std::move(refusal)};
    if (!client_.budget_.WaitToRetry(attempts_)) {
      throw Error(ErrorCode::kUnavailable, Said(refusal, operation_) + "; it is busy or down, try again later");
    }
    return std::nullopt;
  }

  HttpRequest Signed(const AwsCredentials& credentials) const {
    const auto& options = client_.options_;
    HttpRequest http;
    http.method = "POST";
    http.url = client_.url_;
    http.headers = {{"Content-Type", options.content_type},
                    {"X-Amz-Target", fmt::format("{}.{}", options.target, operation_)}};
    http.body = body_;
    http.timeout = options.timeout;
    SignRequest(http, credentials, {.region = options.region, .service = options.service}, client_.clock_.Now());
    return http;
  }

  /// True when something was changed that makes the next attempt another one; each mend is tried once.
  bool Mended(const AwsRefusal& refusal, const HttpResponse& response, const AwsCredentials& credentials) {
    if (IsExpired(refusal) && !credentials.session_token.empty() && !std::exchange(refreshed_, true)) {
      client_.credentials_.Forget(credentials);
      return true;
    }
    return IsClockSkew(refusal) && !std::exchange(clock_set_, true) && client_.clock_.Adopt(response);
  }

  AwsJsonClient& client_;
  const std::string& operation_;
  const std::string_view body_;
  const Repeat repeat_;
  int attempts_ = 0;
  bool refreshed_ = false;
  bool clock_set_ = false;
};

AwsJsonClient::AwsJsonClient(AwsJsonOptions options)
    : options_(Completed(std::move(options))),
      url_(UrlOf(options_)),
      http_(HttpOptions(options_)),
      credentials_(options_.credentials, http_),
      budget_(options_.retry),
      clock_(*options_.credentials.clock) {}

AwsJsonAnswer AwsJsonClient::Send(const std::string& operation, std::string_view body) {
  return Attempts(*this, operation, body, Attempts::Repeat::kAnything).Run();
}

AwsJsonAnswer AwsJsonClient::SendOnce(const std::string& operation, std::string_view body) {
  return Attempts(*this, operation, body, Attempts::Repeat::kWhatDidNothing).Run();
}

Error ErrorOf(const AwsRefusal& refusal, const std::string& what) {
  const auto said = Said(refusal, what);
  if (IsOneOf(refusal.code, {"AccessDeniedException", "AccessDenied"})) {
    return {ErrorCode::kConfig, said + "; these credentials may not do this: grant it to them"};
  }
  if (IsExpired(refusal) || IsClockSkew(refusal) ||
      IsOneOf(refusal.code, {"MissingAuthenticationTokenException", "MissingAuthenticationToken",
                             "IncompleteSignatureException", "InvalidClientTokenId"})) {
    return {ErrorCode::kConfig, said + "; check the access key, its secret, the region and this machine's clock"};
  }
  return {ErrorCode::kStop, said};
}

}  // namespace millrace::io
