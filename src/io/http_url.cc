#include "io/http_url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/letter_case.h"
#include "io/http_routes.h"
#include "io/ip_range.h"
#include "io/percent_encoding.h"

namespace millrace::io {
namespace {

using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string Part(const Url& url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK || text == nullptr) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

Url Parse(const std::string& text) {
  Url url(curl_url(), &curl_url_cleanup);
  if (url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) url.reset();
  return url;
}

bool IsHttp(const Url& url) {
  const auto scheme = Part(url, CURLUPART_SCHEME);
  return (scheme == "http" || scheme == "https") && Part(url, CURLUPART_USER).empty() &&
         Part(url, CURLUPART_PASSWORD).empty();
}

}  // namespace

std::optional<std::string> ResolveUrl(const std::string& base, const std::string& reference) {
  auto url = Parse(base);
  if (!url || reference.empty()) return std::nullopt;
  if (curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), 0) != CURLUE_OK || !IsHttp(url)) return std::nullopt;
  curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);
  return Part(url, CURLUPART_URL);
}

std::string OriginOf(const std::string& text) {
  const auto url = Parse(text);
  if (!url || !IsHttp(url)) return {};
  return Lower(Part(url, CURLUPART_SCHEME) + "://" + Part(url, CURLUPART_HOST) + ":" +
               Part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

bool MaySendSecretsTo(const std::string& text) {
  const auto url = Parse(text);
  if (!url || !IsHttp(url)) return false;
  return Part(url, CURLUPART_SCHEME) == "https" || IsLoopback(Lower(Part(url, CURLUPART_HOST)));
}

std::string WithoutQueryValue(const std::string& text, std::string_view name) {
  const auto without_fragment = text.substr(0, text.find('#'));
  const auto question = std::min(without_fragment.find('?'), without_fragment.size());
  std::string result = without_fragment.substr(0, question);
  std::string_view query = std::string_view(without_fragment).substr(std::min(question + 1, without_fragment.size()));
  char before = '?';
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty() || PercentDecoded(pair.substr(0, pair.find('=')), true) == name) continue;
    result += std::exchange(before, '&');
    result += pair;
  }
  return result;
}

std::string WithQueryValue(const std::string& text, std::string_view name, std::string_view value) {
  const auto others = WithoutQueryValue(text, name);
  return others + (others.find('?') == std::string::npos ? "?" : "&") + PercentEncoded(name) + "=" +
         PercentEncoded(value);
}

std::string ShownUrl(const std::string& text) {
  std::string url = text.substr(0, text.find_first_of("?#"));
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const auto host = scheme + 3;
  const auto at = url.substr(0, std::min(url.find('/', host), url.size())).rfind('@');
  if (at != std::string::npos && at >= host) url.erase(host, at + 1 - host);
  return url;
}

}  // namespace millrace::io
