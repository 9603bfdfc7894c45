#include "io/object_key.h"

#include <fmt/format.h>

#include <string>

#include "base/error.h"

namespace millrace::io {
namespace {

constexpr size_t kKeyBytesMax = 1024;

/// What is wrong with a key; empty when nothing is.
std::string_view Fault(std::string_view key) {
  if (key.empty()) return "it is empty";
  if (key.size() > kKeyBytesMax) return "it is longer than 1,024 bytes";
  if (key.front() == '/') return "it is absolute";
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) return "it has a control character";
    if (c == '?' || c == '#') return "it has a '?' or '#', which readers of URIs cut off";
  }
  for (size_t begin = 0; begin <= key.size();) {
    const size_t end = std::min(key.find('/', begin), key.size());
    const auto segment = key.substr(begin, end - begin);
    if (segment.empty()) return "it has an empty segment";
    if (segment == "." || segment == "..") return "it has a '.' or '..' segment";
    begin = end + 1;
  }
  return {};
}

/// Control characters made visible, so that a message stays one line.
std::string Printable(std::string_view key) {
  std::string text;
  for (const char c : key.substr(0, 200)) {
    const auto byte = static_cast<unsigned char>(c);
    text += byte < 0x20 || byte == 0x7F ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return text;
}

}  // namespace

void CheckKey(std::string_view key) {
  const auto fault = Fault(key);
  if (fault.empty()) return;
  throw Error(ErrorCode::kConfig,
              fmt::format("'{}' cannot name an object: {}; use names of letters, digits, '-', '_', '=' and '.', "
                          "separated by '/'",
                          Printable(key), fault));
}

bool IsValidKey(std::string_view key) { return Fault(key).empty(); }

}  // namespace millrace::io
