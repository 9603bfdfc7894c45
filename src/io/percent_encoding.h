#pragma once

#include <string>
#include <string_view>

namespace millrace::io {

/// RFC 3986: everything but letters, digits and "-._~" as %XX in upper case; '/' stays if `keep_slashes`.
std::string PercentEncoded(std::string_view text, bool keep_slashes = false);

}  // namespace millrace::io
