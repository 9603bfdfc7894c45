#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace millrace::decode {

/// Finds a member of a wide object by name: open addressing over a hash of the name's ends and size. Names are not
/// owned; they outlive the index. Nothing is ever removed.
class KeyIndex {
 public:
  static constexpr uint32_t kAbsent = UINT32_MAX;

  /// `name` is not in the index yet.
  void Insert(std::string_view name, uint32_t position);
  uint32_t Find(std::string_view name) const {
    if (slots_.empty()) return kAbsent;
    const uint32_t hash = Hash(name);
    for (size_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.position == kAbsent) return kAbsent;
      if (slot.hash == hash && slot.name == name) return slot.position;
    }
  }

 private:
  struct Slot {
    std::string_view name;
    uint32_t hash = 0;
    uint32_t position = kAbsent;
  };

  static uint32_t Hash(std::string_view name);
  void Place(Slot slot);

  std::vector<Slot> slots_;
  size_t mask_ = 0;
  size_t used_ = 0;
};

inline uint32_t KeyIndex::Hash(std::string_view name) {
  uint64_t hash = name.size() * 0x9E3779B97F4A7C15u;
  size_t at = 0;
  for (; at + 8 <= name.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, name.data() + at, 8);
    hash = (hash ^ word) * 0xBF58476D1CE4E5B9u;
    hash ^= hash >> 29;
  }
  uint64_t tail = 0;
  std::memcpy(&tail, name.data() + at, name.size() - at);
  hash = (hash ^ tail) * 0x94D049BB133111EBu;
  return static_cast<uint32_t>(hash >> 32);
}

}  // namespace millrace::decode
