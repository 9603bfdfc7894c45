#include "catalog/rest/oauth2_token.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "io/percent_encoding.h"
#include "schema/json_object.h"

namespace millrace::catalog {
namespace {

using std::chrono::seconds;

constexpr int64_t kAnswerBytesMax = int64_t{1} << 20;
constexpr seconds kRenewBefore{60};
constexpr size_t kErrorCharactersMax = 200;

std::string FormOf(const OAuth2Options& options) {
  std::string form = "grant_type=client_credentials";
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) form += fmt::format("&{}={}", name, io::PercentEncoded(value));
  };
  add("client_id", options.client_id);
  add("client_secret", options.client_secret);
  add("scope", options.scope);
  add("audience", options.audience);
  add("resource", options.resource);
  return form;
}

/// The error code of RFC 6749, section 5.2, a word such as "invalid_client"; free text might repeat what was sent.
std::string ReasonOf(const std::string& body) {
  const auto answer = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object() || !answer.contains("error") || !answer["error"].is_string()) return "";
  const std::string word = answer["error"].get<std::string>().substr(0, kErrorCharactersMax);
  const bool is_word = std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || c == '-'; });
  return is_word ? ", " + word : "";
}

[[noreturn]] void Refused(const OAuth2Options& options, const io::HttpResponse& response) {
  const bool ours = response.status >= 400 && response.status < 500 && response.status != 429;
  throw Error(
      ours ? ErrorCode::kConfig : ErrorCode::kUnavailable,
      fmt::format("{} gave no token (status {}{}); {}", options.server_uri, response.status, ReasonOf(response.body),
                  ours ? "check client_id, client_secret and scope of lake.catalog.rest.oauth2" : "try again"));
}

}  // namespace

OAuth2Token FetchToken(const OAuth2Options& options, io::HttpClient& http, const Clock& clock) {
  const std::string form = FormOf(options);
  io::HttpRequest request;
  request.method = "POST";
  request.url = options.server_uri;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  request.body = form;
  request.response_bytes_max = kAnswerBytesMax;
  const SteadyTime asked = clock.Steady();
  const io::HttpResponse response = WithContext("asking for an OAuth2 token", [&] { return http.Send(request); });
  if (response.status != 200) Refused(options, response);
  return WithContext("the token answer of " + options.server_uri, [&] {
    const auto document = schema::ParseJson(response.body, "answer");
    const schema::JsonObject answer(document, "");
    OAuth2Token token{.value = answer.String("access_token"), .renew_at = std::nullopt};
    const auto lives = answer.MaybeInt64("expires_in");
    // A short-lived one is used for half of its time.
    if (lives && *lives > 0) {
      const seconds lifetime(std::min<int64_t>(*lives, 365 * 24 * 3600));
      token.renew_at = asked + std::max(lifetime - kRenewBefore, lifetime / 2);
    }
    return token;
  });
}

}  // namespace millrace::catalog
