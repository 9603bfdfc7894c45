#include "io/s3_client.h"

#include <fmt/format.h>

#include "io/object_store_events.h"
#include "io/outage_patience.h"
#include "io/percent_encoding.h"

namespace millrace::io {
namespace {

S3Words WordsOf(const S3Options& options) {
  if (options.google)
    return {kGoogleSignature, "storage", {"x-goog-if-generation-match", "0"}, "x-goog-meta-millrace-writer", ""};
  return {kAmazonSignature, "s3", {"If-None-Match", "*"}, "x-amz-meta-millrace-writer", "x-amz-checksum-sha256"};
}

S3Options Completed(S3Options options) {
  if (options.region.empty()) options.region = options.google ? "auto" : AwsRegion(options.credentials);
  if (options.region.empty()) options.region = "us-east-1";
  return options;
}

HttpClient::Options HttpOptions(const S3Options& options) {
  HttpClient::Options http;
  http.ca_file = options.ca_file;
  return http;
}

/// Long enough for a slow line: half a minute, and a second more for every 256 KiB.
std::chrono::milliseconds TimeoutFor(int64_t bytes) { return std::chrono::seconds(30 + bytes / (256 << 10)); }

/// That time is for what moves: a store that says nothing for so long says nothing more.
constexpr std::chrono::seconds kStallTime{30};

/// An answer under 200 that says it failed after all, as the completion of a multipart upload may.
bool IsHiddenFailure(const HttpResponse& response) {
  return response.status == 200 && response.body.find("<Error>") != std::string::npos &&
         response.body.find("<Code>") != std::string::npos;
}

}  // namespace

/// The attempts of one request.
class S3Client::Attempts {
 public:
  Attempts(S3Client& client, const S3Request& request) : client_(client), request_(request) {}

  S3Answer Run() {
    for (;;) {
      ++attempts_;
      auto answer = Once();
      if (!answer) continue;  // it failed and was waited for
      if (waits_ > 0) OutagePatience::End();
      answer->may_have_happened = may_have_happened_;
      return std::move(*answer);
    }
  }

 private:
  HttpResponse Exchange(const AwsCredentials& credentials) {
    return SendTimed(client_.http_, client_.Signed(request_, credentials), [&](int status, double seconds) {
      ObjectStoreAnswered{.verb = Verb(), .status = status, .seconds = seconds, .attempt = attempts_}.Emit();
    });
  }

  /// What credentials are for.
  const std::string& Place() const { return request_.key.empty() ? request_.below : request_.key; }

  std::string_view Verb() const {
    return request_.method == "GET" && request_.key.empty() ? std::string_view("LIST") : request_.method;
  }

  std::optional<S3Answer> Once() {
    AwsCredentials credentials;
    S3Answer answer;
    try {
      credentials = client_.CredentialsFor(Place());
      answer.response = Exchange(credentials);
    } catch (const HttpFailure& failure) {
      may_have_happened_ = may_have_happened_ || failure.may_have_arrived();
      if (!Waited(failure)) throw;
      return std::nullopt;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnavailable || !Waited(error)) throw;
      return std::nullopt;
    }
    const bool failed = answer.response.status < 200 || answer.response.status > 299;
    if (!failed && !IsHiddenFailure(answer.response)) {
      client_.budget_.Succeeded();
      return answer;
    }
    answer.refusal = RefusalOf(answer.response);
    if (Mended(answer, credentials)) return std::nullopt;
    if (!IsPassing(answer.refusal)) return answer;
    // A gateway's 500 or 503 does not say that the store behind it did nothing.
    may_have_happened_ = may_have_happened_ || answer.response.status >= 500;
    const auto error = ErrorOf(answer.refusal, client_.What(request_));
    if (!Waited(error)) throw error;
    return std::nullopt;
  }

  /// True when something was changed that makes the next attempt another one; each mend is tried once.
  bool Mended(const S3Answer& answer, const AwsCredentials& credentials) {
    // The answer to HEAD has no body that could say why.
    const bool silent = request_.method == "HEAD" && (answer.response.status == 400 || answer.response.status == 403);
    const bool ended = credentials.vended && (silent || IsUnknownKey(answer.refusal));
    const bool expired = ended || IsExpired(answer.refusal) || (silent && !credentials.session_token.empty());
    if (expired && !refreshed_) {
      refreshed_ = true;
      client_.Forget(Place(), credentials);
      return true;
    }
    if ((IsClockSkew(answer.refusal) || silent) && !clock_set_) {
      clock_set_ = true;
      return client_.clock_.Adopt(answer.response);
    }
    return false;
  }

  /// Within the budget, or for as long as the thread is patient.
  bool Waited(const Error& why) {
    if (OutagePatience::Stop().stop_requested()) return false;
    if (client_.budget_.MayRetry(attempts_)) return OutagePatience::Sleep(client_.budget_.Wait(attempts_));
    return OutagePatience::Wait(why.what(), waits_++);
  }

  S3Client& client_;
  const S3Request& request_;
  int attempts_ = 0;
  int waits_ = 0;  // beyond the budget
  bool may_have_happened_ = false;
  bool refreshed_ = false;
  bool clock_set_ = false;
};

S3Client::S3Client(S3Options options)
    : options_(Completed(std::move(options))),
      words_(WordsOf(options_)),
      url_(BucketUrl(options_)),
      http_(HttpOptions(options_)),
      credentials_(options_.credentials, http_),
      budget_(options_.retry),
      clock_(*options_.credentials.clock) {}

S3Answer S3Client::Send(const S3Request& request) { return Attempts(*this, request).Run(); }

AwsCredentials S3Client::CredentialsFor(const std::string& key) {
  if (options_.vended) {
    if (auto vended = options_.vended->For(UriOf(key))) {
      vended->vended = true;
      return *vended;
    }
  }
  return credentials_.Get();
}

void S3Client::Forget(const std::string& key, const AwsCredentials& used) {
  used.vended ? options_.vended->Refused(UriOf(key), used) : credentials_.Forget(used);
}

HttpRequest S3Client::Signed(const S3Request& request, const AwsCredentials& credentials) const {
  HttpRequest http;
  http.method = request.method;
  http.url = fmt::format("{}/{}{}{}", url_, request.key.empty() ? "" : PercentEncoded(FullKey(request.key), true),
                         request.query.empty() ? "" : "?", request.query);
  http.headers = request.headers;
  http.body = request.body;
  http.response_bytes_max = request.response_bytes_max;
  const int64_t answer_bytes = request.method == "GET" ? request.response_bytes_max : 0;
  http.timeout = TimeoutFor(static_cast<int64_t>(request.body.size()) + answer_bytes);
  http.stall_time = kStallTime;
  const AwsSigning signing{.region = options_.region,
                           .service = words_.service,
                           .payload_sha256 = request.payload_sha256,
                           .dialect = words_.dialect};
  SignRequest(http, credentials, signing, clock_.Now());
  return http;
}

std::string S3Client::FullKey(const std::string& key) const {
  return options_.prefix.empty() ? key : options_.prefix + "/" + key;
}

std::string S3Client::UriOf(const std::string& key) const {
  return fmt::format("{}://{}/{}", options_.google ? "gs" : "s3", options_.bucket, FullKey(key));
}

std::string S3Client::What(const S3Request& request) const {
  return fmt::format("{} {}", request.method, UriOf(request.key));
}

}  // namespace millrace::io
