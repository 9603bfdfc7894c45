#include "table/murmur3.h"

#include <bit>
#include <cstring>

namespace millrace::table {
namespace {

constexpr uint32_t MixBlock(uint32_t block) { return std::rotl(block * 0xcc9e2d51U, 15) * 0x1b873593U; }

constexpr uint32_t AddBlock(uint32_t hash, uint32_t block) {
  return std::rotl(hash ^ MixBlock(block), 13) * 5 + 0xe6546b64U;
}

constexpr int32_t Finish(uint32_t hash, uint32_t length) {
  hash ^= length;
  hash = (hash ^ (hash >> 16)) * 0x85ebca6bU;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35U;
  return static_cast<int32_t>(hash ^ (hash >> 16));
}

}  // namespace

int32_t Murmur3(std::string_view bytes) {
  uint32_t hash = 0;
  const size_t blocks = bytes.size() / 4;
  for (size_t i = 0; i < blocks; ++i) {
    uint32_t block = 0;
    std::memcpy(&block, bytes.data() + 4 * i, 4);
    hash = AddBlock(hash, block);
  }
  uint32_t tail = 0;
  for (size_t i = bytes.size(); i > 4 * blocks; --i) tail = tail << 8 | static_cast<unsigned char>(bytes[i - 1]);
  if (bytes.size() % 4 != 0) hash ^= MixBlock(tail);
  return Finish(hash, static_cast<uint32_t>(bytes.size()));
}

int32_t Murmur3(int64_t number) {
  const auto bits = static_cast<uint64_t>(number);
  return Finish(AddBlock(AddBlock(0, static_cast<uint32_t>(bits)), static_cast<uint32_t>(bits >> 32)), 8);
}

}  // namespace millrace::table
