#pragma once

#include <string_view>

namespace millrace::io {

/// Error kConfig, naming what is wrong, unless `key` is "segment/segment/...": no empty, "." or ".." segment, no
/// control character, at most 1,024 bytes (S3's limit), and neither '?' nor '#', which readers of file URIs cut off.
void CheckKey(std::string_view key);

/// Whether CheckKey would pass.
bool IsValidKey(std::string_view key);

}  // namespace millrace::io
