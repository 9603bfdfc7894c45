#include "decode/value_text.h"

#include <array>

namespace millrace::decode {
namespace {

constexpr uint8_t kBad = 0xff;

constexpr std::array<uint8_t, 256> HexTable() {
  std::array<uint8_t, 256> table{};
  table.fill(kBad);
  for (uint8_t i = 0; i < 10; ++i) table[static_cast<size_t>('0' + i)] = i;
  for (uint8_t i = 0; i < 6; ++i) {
    table[static_cast<size_t>('a' + i)] = static_cast<uint8_t>(10 + i);
    table[static_cast<size_t>('A' + i)] = static_cast<uint8_t>(10 + i);
  }
  return table;
}
constexpr auto kHex = HexTable();

}  // namespace

bool ParseUuid(std::string_view text, uint8_t* out) {
  static constexpr std::array<uint8_t, 16> kAt{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return false;
  uint8_t bad = 0;
  for (size_t i = 0; i < kAt.size(); ++i) {
    const uint8_t high = kHex[static_cast<uint8_t>(text[kAt[i]])], low = kHex[static_cast<uint8_t>(text[kAt[i] + 1u])];
    bad = static_cast<uint8_t>(bad | high | low);
    out[i] = static_cast<uint8_t>(high << 4 | (low & 0x0f));
  }
  return (bad & 0x80) == 0;
}

}  // namespace millrace::decode
