#include "connect/escapes.h"

#include "base/error.h"

namespace millrace::connect {

std::string Unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'u') throw Error(ErrorCode::kConfig, "\\u is not read; write the character itself");
    out += c == 'n' ? '\n' : (c == 't' ? '\t' : (c == 'r' ? '\r' : c));
  }
  return out;
}

}  // namespace millrace::connect
