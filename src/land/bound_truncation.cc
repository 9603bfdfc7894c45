#include "land/bound_truncation.h"

#include <cstdint>

namespace millrace::land {
namespace {

constexpr uint32_t kHighest = 0x10FFFF;
constexpr uint32_t kFirstSurrogate = 0xD800;
constexpr uint32_t kAfterSurrogates = 0xE000;

bool Continues(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) == 0x80; }

/// The bytes of the first `code_points` code points.
size_t PrefixBytes(std::string_view text, size_t code_points) {
  size_t at = 0;
  for (size_t seen = 0; at < text.size(); ++at) {
    if (!Continues(text[at]) && seen++ == code_points) break;
  }
  return at;
}

uint32_t Decode(std::string_view one) {
  const auto lead = static_cast<uint8_t>(one.front());
  uint32_t point = one.size() == 1 ? lead : lead & (0xFFU >> (one.size() + 1));
  for (const char byte : one.substr(1)) point = point << 6 | (static_cast<uint8_t>(byte) & 0x3F);
  return point;
}

void AppendUtf8(uint32_t point, std::string& out) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  const int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  constexpr uint8_t kLeads[] = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLeads[more] | point >> (6 * more));
  for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | (point >> (6 * i) & 0x3F));
}

}  // namespace

std::string TruncateTextLower(std::string_view text, size_t code_points) {
  return std::string(text.substr(0, PrefixBytes(text, code_points)));
}

std::optional<std::string> TruncateTextUpper(std::string_view text, size_t code_points) {
  std::string bound = TruncateTextLower(text, code_points);
  if (bound.size() == text.size()) return bound;
  while (!bound.empty()) {
    size_t last = bound.size() - 1;
    while (last > 0 && Continues(bound[last])) --last;
    const uint32_t point = Decode(std::string_view(bound).substr(last));
    bound.resize(last);
    if (point < kHighest) {
      AppendUtf8(point + 1 == kFirstSurrogate ? kAfterSurrogates : point + 1, bound);
      return bound;
    }
  }
  return std::nullopt;
}

std::string TruncateBinaryLower(std::string_view bytes, size_t length) { return std::string(bytes.substr(0, length)); }

std::optional<std::string> TruncateBinaryUpper(std::string_view bytes, size_t length) {
  std::string bound = TruncateBinaryLower(bytes, length);
  if (bound.size() == bytes.size()) return bound;
  while (!bound.empty()) {
    const auto last = static_cast<uint8_t>(bound.back());
    if (last < 0xFF) {
      bound.back() = static_cast<char>(last + 1);
      return bound;
    }
    bound.pop_back();
  }
  return std::nullopt;
}

}  // namespace millrace::land
