#include "io/one_line.h"

#include <algorithm>

namespace millrace::io {

std::string OneLine(std::string text, size_t bytes_max) {
  if (text.size() > bytes_max) text.resize(bytes_max);
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text;
}

}  // namespace millrace::io
