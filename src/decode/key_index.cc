#include "decode/key_index.h"

#include <algorithm>
#include <utility>

namespace millrace::decode {

void KeyIndex::Insert(std::string_view name, uint32_t position) {
  if ((used_ + 1) * 2 > slots_.size()) {
    auto old = std::exchange(slots_, std::vector<Slot>(std::max<size_t>(16, slots_.size() * 2)));
    mask_ = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.position != kAbsent) Place(slot);
    }
  }
  Place({name, Hash(name), position});
  ++used_;
}

void KeyIndex::Place(Slot slot) {
  size_t at = slot.hash & mask_;
  while (slots_[at].position != kAbsent) at = (at + 1) & mask_;
  slots_[at] = slot;
}

}  // namespace millrace::decode
