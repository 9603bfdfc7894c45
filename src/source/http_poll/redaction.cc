#include "source/http_poll/redaction.h"

#include <algorithm>

#include "io/http_url.h"
#include "io/percent_encoding.h"
#include "source/json_fault.h"

namespace millrace::source {
namespace {

constexpr size_t kToldFromChance = 8;

}  // namespace

Redaction::Redaction(const HttpAuth& auth) {
  if (auth.kind == HttpAuth::Kind::kNone) return;
  std::string secret = auth.value;
  for (const std::string_view scheme : {"Bearer ", "Basic "}) {
    if (secret.starts_with(scheme)) secret.erase(0, scheme.size());
  }
  if (secret.empty()) return;
  secrets_.push_back(secret);
  std::string escaped;  // as some write it in JSON
  for (const char c : secret) escaped += c == '/' ? "\\/" : std::string(1, c);
  if (escaped != secret) secrets_.push_back(std::move(escaped));
  if (auto encoded = io::PercentEncoded(secret); encoded != secret) secrets_.push_back(std::move(encoded));
  if (auth.kind == HttpAuth::Kind::kQuery) parameter_ = auth.name;
}

bool Redaction::Holds(std::string_view text) const {
  return std::ranges::any_of(secrets_, [&](const auto& secret) {
    return secret.size() >= kToldFromChance && text.find(secret) != std::string_view::npos;
  });
}

std::string Redaction::Excerpt(std::string_view text, size_t begin, size_t bytes) const {
  const size_t end = std::min(text.size(), begin + std::min(bytes, text.size()));
  std::string shown;
  for (size_t at = begin; at < end;) {
    size_t next = end;  // where a form of the secret begins that reaches behind `at`
    size_t behind = end;
    for (const auto& secret : secrets_) {
      const auto found = text.find(secret, at < secret.size() ? 0 : at - secret.size() + 1);
      if (found >= next) continue;
      next = found;
      behind = found + secret.size();
    }
    if (next > at) shown += PrintableExcerpt(text, at, next - at);
    if (next < end) shown += "***";
    at = behind;
  }
  return shown;
}

std::string Redaction::WithoutParameter(const std::string& url) const {
  return parameter_.empty() ? url : io::WithoutQueryValue(url, parameter_);
}

}  // namespace millrace::source
