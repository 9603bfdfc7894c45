#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::io {

struct HttpHeader {
  std::string name;
  std::string value;
};

/// Names of headers are the same in any case.
bool SameHeaderName(std::string_view a, std::string_view b);
/// The value of the first header of that name.
std::optional<std::string_view> FindHeader(const std::vector<HttpHeader>& headers, std::string_view name);

}  // namespace millrace::io
