#include "query/display_width.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace millrace::query {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// From Unicode's EastAsianWidth (W, F) and the combining blocks; coarse where a block is all alike.
constexpr Range kWide[] = {{0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x2614, 0x2615},
                           {0x2648, 0x2653},   {0x26A1, 0x26A1},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},
                           {0x2705, 0x2705},   {0x270A, 0x270B},   {0x2728, 0x2728},   {0x274C, 0x274C},
                           {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2B50, 0x2B50},   {0x2E80, 0x303E},
                           {0x3041, 0x4DBF},   {0x4E00, 0xA4CF},   {0xA960, 0xA97C},   {0xAC00, 0xD7A3},
                           {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
                           {0x1F004, 0x1F004}, {0x1F18E, 0x1F19A}, {0x1F1E6, 0x1F64F}, {0x1F680, 0x1F6FF},
                           {0x1F7E0, 0x1F7EB}, {0x1F900, 0x1FAFF}, {0x20000, 0x3FFFD}};
constexpr Range kZero[] = {{0x0300, 0x036F}, {0x0483, 0x0489},   {0x0591, 0x05BD},  {0x0610, 0x061A}, {0x064B, 0x065F},
                           {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E},   {0x1AB0, 0x1AFF},  {0x1DC0, 0x1DFF}, {0x200B, 0x200F},
                           {0x2028, 0x202E}, {0x2060, 0x2064},   {0x20D0, 0x20FF},  {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
                           {0xFEFF, 0xFEFF}, {0x1F3FB, 0x1F3FF}, {0xE0100, 0xE01EF}};

template <size_t N>
bool IsIn(const Range (&ranges)[N], uint32_t point) {
  const auto found =
      std::find_if(std::begin(ranges), std::end(ranges), [&](const Range& range) { return point <= range.last; });
  return found != std::end(ranges) && point >= found->first;
}

int WidthOf(uint32_t point) {
  if (IsIn(kZero, point)) return 0;
  return point >= kWide[0].first && IsIn(kWide, point) ? 2 : 1;
}

/// The bytes of the character at `at`; one for what is no UTF-8.
size_t SizeAt(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t size = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return std::min(size, text.size() - at);
}

uint32_t PointAt(std::string_view text, size_t at, size_t size) {
  constexpr std::array<uint32_t, 5> kLeadBits = {0, 0x7F, 0x1F, 0x0F, 0x07};
  uint32_t point = static_cast<unsigned char>(text[at]) & kLeadBits[size];
  for (size_t i = 1; i < size; ++i) point = (point << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  return point;
}

/// What a character is shown as.
std::string_view Shown(std::string_view character, std::string& buffer) {
  const auto byte = static_cast<unsigned char>(character[0]);
  if (byte == 0xC2 && character.size() == 2 && static_cast<unsigned char>(character[1]) < 0xA0) {
    return buffer = fmt::format("\\x{:02x}", static_cast<unsigned char>(character[1]));  // some terminals obey these
  }
  if (byte >= 0x20 && byte != 0x7F) return character;
  buffer = byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : byte == '\t' ? "\\t" : fmt::format("\\x{:02x}", byte);
  return buffer;
}

}  // namespace

int DisplayWidth(std::string_view text) {
  int width = 0;
  for (size_t at = 0; at < text.size();) {
    const auto size = SizeAt(text, at);
    width += WidthOf(PointAt(text, at, size));
    at += size;
  }
  return width;
}

std::string FitInto(std::string_view text, int width) {
  std::string fitted;
  std::string buffer;
  int used = 0;
  size_t cut = 0;  // how much of `fitted` leaves room for the ellipsis
  for (size_t at = 0; at < text.size();) {
    const auto size = SizeAt(text, at);
    const auto shown = Shown(text.substr(at, size), buffer);
    const auto more = DisplayWidth(shown);
    if (used + more > width) return fitted.substr(0, cut) + "…";
    fitted += shown;
    used += more;
    if (used < width) cut = fitted.size();
    at += size;
  }
  return fitted;
}

}  // namespace millrace::query
