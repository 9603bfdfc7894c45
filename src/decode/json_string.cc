#include "decode/json_string.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>

namespace millrace::decode {
namespace {

/// The four hex digits at `at`; -1 when there are not that many.
int32_t HexQuad(std::string_view raw, size_t at) {
  if (at + 4 > raw.size()) return -1;
  int32_t value = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const char c = raw[i];
    int32_t digit;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

size_t PutUtf8(int32_t point, char* out) {
  const auto put = [out](size_t at, int32_t bits) { out[at] = static_cast<char>(bits); };
  if (point < 0x80) {
    put(0, point);
    return 1;
  }
  if (point < 0x800) {
    put(0, 0xC0 | point >> 6);
    put(1, 0x80 | (point & 0x3F));
    return 2;
  }
  if (point < 0x10000) {
    put(0, 0xE0 | point >> 12);
    put(1, 0x80 | (point >> 6 & 0x3F));
    put(2, 0x80 | (point & 0x3F));
    return 3;
  }
  put(0, 0xF0 | point >> 18);
  put(1, 0x80 | (point >> 12 & 0x3F));
  put(2, 0x80 | (point >> 6 & 0x3F));
  put(3, 0x80 | (point & 0x3F));
  return 4;
}

/// Reads \uXXXX at `at` (the backslash), with its second half when it is a pair, and moves `at` behind it.
Unescaped::Result ReadUnicode(std::string_view raw, size_t& at, int32_t& point) {
  point = HexQuad(raw, at + 2);
  if (point < 0) return Unescaped::Result::kBadEscape;
  at += 6;
  if (point < 0xD800 || point > 0xDFFF) return Unescaped::Result::kOk;
  if (point > 0xDBFF || raw.substr(at, 2) != "\\u") return Unescaped::Result::kLoneSurrogate;
  const int32_t low = HexQuad(raw, at + 2);
  if (low < 0) return Unescaped::Result::kBadEscape;
  if (low < 0xDC00 || low > 0xDFFF) return Unescaped::Result::kLoneSurrogate;
  at += 6;
  point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
  return Unescaped::Result::kOk;
}

char SimpleEscape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

}  // namespace

Unescaped Unescape(std::string_view raw, char* out) {
  char* to = out;
  size_t at = 0;
  while (at < raw.size()) {
    const auto* slash = static_cast<const char*>(std::memchr(raw.data() + at, '\\', raw.size() - at));
    const size_t plain = slash == nullptr ? raw.size() - at : static_cast<size_t>(slash - raw.data()) - at;
    std::memcpy(to, raw.data() + at, plain);
    to += plain;
    at += plain;
    if (slash == nullptr) break;
    if (at + 1 >= raw.size()) return {.result = Unescaped::Result::kBadEscape};
    if (raw[at + 1] == 'u') {
      int32_t point = 0;
      const auto result = ReadUnicode(raw, at, point);
      if (result != Unescaped::Result::kOk) return {.result = result};
      to += PutUtf8(point, to);
      continue;
    }
    const char c = SimpleEscape(raw[at + 1]);
    if (c == '\0') return {.result = Unescaped::Result::kBadEscape};
    *to++ = c;
    at += 2;
  }
  return {.size = static_cast<size_t>(to - out)};
}

std::optional<std::string> UnescapeKey(std::string_view raw) {
  std::string key(raw.size(), '\0');
  const auto unescaped = Unescape(raw, key.data());
  if (unescaped.result != Unescaped::Result::kOk) return std::nullopt;
  key.resize(unescaped.size);
  return key;
}

}  // namespace millrace::decode
