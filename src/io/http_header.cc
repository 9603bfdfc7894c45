#include "io/http_header.h"

#include <algorithm>
#include <cctype>

namespace millrace::io {

bool SameHeaderName(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

std::optional<std::string_view> FindHeader(const std::vector<HttpHeader>& headers, std::string_view name) {
  for (const auto& header : headers) {
    if (SameHeaderName(header.name, name)) return header.value;
  }
  return std::nullopt;
}

}  // namespace millrace::io
