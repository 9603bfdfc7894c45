#include "io/oauth2_token.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/outage_patience.h"

namespace millrace::io {
namespace {

using std::chrono::seconds;

constexpr int64_t kAnswerBytesMax = int64_t{1} << 20;
constexpr seconds kRenewBefore{60};
constexpr size_t kErrorCharactersMax = 200;

/// The error code of RFC 6749, section 5.2, a word such as "invalid_client"; free text might repeat what was sent.
std::string ReasonOf(const nlohmann::json& answer) {
  if (!answer.is_object() || !answer.contains("error") || !answer["error"].is_string()) return "";
  const std::string word = answer["error"].get<std::string>().substr(0, kErrorCharactersMax);
  const bool is_word = std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || c == '-'; });
  return is_word ? ", " + word : "";
}

}  // namespace

HttpRequest TokenRequest(const std::string& url, std::string_view form) {
  HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  request.body = form;
  request.response_bytes_max = kAnswerBytesMax;
  return request;
}

OAuth2Token FetchOAuth2Token(HttpClient& http, const HttpRequest& request, const std::string& mend,
                             const Clock& clock) {
  const SteadyTime asked = clock.Steady();
  const HttpResponse response =
      WithContext("asking for an OAuth2 token", [&] { return http.Send(request, OutagePatience::Stop()); });
  const auto answer = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (response.status != 200) {
    const bool ours = response.status >= 400 && response.status < 500 && response.status != 429;
    throw Error(ours ? ErrorCode::kConfig : ErrorCode::kUnavailable,
                fmt::format("{} gave no token (status {}{}); {}", request.url, response.status, ReasonOf(answer),
                            ours ? mend : "try again"));
  }
  if (!answer.is_object() || !answer.contains("access_token") || !answer["access_token"].is_string()) {
    throw Error(ErrorCode::kData, fmt::format("the token answer of {}: has no text access_token", request.url));
  }
  OAuth2Token token{.value = answer["access_token"].get<std::string>(), .renew_at = std::nullopt};
  const auto lives = answer.find("expires_in");
  // A short-lived one is used for half of its time.
  if (lives != answer.end() && lives->is_number_integer() && lives->get<int64_t>() > 0) {
    const seconds lifetime(std::min<int64_t>(lives->get<int64_t>(), 365 * 24 * 3600));
    token.renew_at = asked + std::max(lifetime - kRenewBefore, lifetime / 2);
  }
  return token;
}

std::string KeptToken::Get() {
  const std::lock_guard lock(mutex_);
  if (!kept_ || (kept_->renew_at && clock_.Steady() >= *kept_->renew_at)) kept_ = fetch_();
  return kept_->value;
}

void KeptToken::Forget(std::string_view refused) {
  const std::lock_guard lock(mutex_);
  if (kept_ && kept_->value == refused) kept_.reset();
}

}  // namespace millrace::io
