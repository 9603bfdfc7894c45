#include "io/retry_after.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace millrace::io {

std::optional<std::chrono::seconds> RetryAfter(const std::vector<HttpHeader>& headers, Timestamp now) {
  const auto value = FindHeader(headers, "Retry-After");
  if (!value || value->empty()) return std::nullopt;
  uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), seconds);
  if (error == std::errc() && end == value->data() + value->size()) return std::chrono::seconds(seconds);
  const time_t date = curl_getdate(std::string(*value).c_str(), nullptr);
  if (date < 0) return std::nullopt;
  const auto until = std::chrono::seconds(date) - std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  return std::max(until, std::chrono::seconds(0));
}

}  // namespace millrace::io
