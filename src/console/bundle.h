#pragma once

#include <span>
#include <string_view>

namespace millrace::console {

/// One file of the web app, as it is sent.
struct BundledFile {
  std::string_view path;  // "/", "/assets/index-BfX2a1.js"
  std::string_view content_type;
  std::string_view etag;   // with its quotes
  bool immutable = false;  // its name changes with its bytes
  std::string_view bytes;
  std::string_view packed;  // the same as gzip
};

/// All of it; the page itself is "/". Lives as long as the program.
std::span<const BundledFile> BundledFiles();

}  // namespace millrace::console
