#include "io/http_redaction.h"

#include <string_view>
#include <utility>
#include <vector>

#include "io/digest.h"
#include "io/http_routes.h"

namespace millrace::io {
namespace {

/// What is shorter may stand anywhere by chance.
constexpr size_t kCharactersMin = 8;

/// Up to one of the characters, or the end.
std::string_view Until(std::string_view text, const char* ends) { return text.substr(0, text.find_first_of(ends)); }

void AddAuthorization(std::string_view value, std::vector<std::string>& secrets) {
  constexpr std::string_view kKeyId = "Credential=";
  const auto space = value.find(' ');
  const auto credentials = space == std::string_view::npos ? value : value.substr(space + 1);
  secrets.emplace_back(credentials);
  if (const auto at = credentials.find(kKeyId); at != std::string_view::npos) {
    secrets.emplace_back(Until(credentials.substr(at + kKeyId.size()), "/,"));
  }
  std::string pair;  // of HTTP Basic
  if (DecodeBase64(credentials, pair) && pair.find(':') != std::string::npos) {
    secrets.push_back(pair.substr(pair.find(':') + 1));
  }
}

std::vector<std::string> SecretsOf(const HttpRequest& request) {
  constexpr std::string_view kClientSecret = "client_secret=";
  std::vector<std::string> secrets;
  for (const auto& header : request.headers) {
    if (SameHeaderName(header.name, "Authorization")) AddAuthorization(header.value, secrets);
    if (SameHeaderName(header.name, "X-Amz-Security-Token")) secrets.push_back(header.value);
  }
  if (const auto at = request.body.find(kClientSecret); at != std::string_view::npos) {
    const auto value = Until(request.body.substr(at + kClientSecret.size()), "&");
    secrets.emplace_back(value);
    if (auto decoded = PercentDecoded(value, true)) secrets.push_back(std::move(*decoded));
  }
  return secrets;
}

}  // namespace

std::string WithoutSecretsOf(const HttpRequest& request, std::string body) {
  if (body.empty()) return body;
  constexpr std::string_view kHidden = "***";
  for (const auto& secret : SecretsOf(request)) {
    if (secret.size() < kCharactersMin) continue;
    for (auto at = body.find(secret); at != std::string::npos; at = body.find(secret, at + kHidden.size())) {
      body.replace(at, secret.size(), kHidden);
    }
  }
  return body;
}

}  // namespace millrace::io
