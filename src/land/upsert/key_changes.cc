#include "land/upsert/key_changes.h"

#include <algorithm>

#include "base/error.h"
#include "land/upsert/row_index.h"

namespace millrace::land {
namespace {

constexpr size_t kSlotsMin = 1024;

}  // namespace

void KeyChanges::Grow() {
  slots_.assign(std::max(kSlotsMin, slots_.size() * 2), 0);
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < changes_.size(); ++i) {
    size_t at = changes_[i].key.low & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = static_cast<uint32_t>(i + 1);
  }
}

KeyChanges::Change* KeyChanges::Supersede(const KeyHash& key, int64_t order) {
  if (2 * (changes_.size() + 1) > slots_.size()) Grow();
  const size_t mask = slots_.size() - 1;
  size_t at = key.low & mask;
  while (slots_[at] != 0) {
    Change& known = changes_[slots_[at] - 1];
    if (known.key == key) {
      if (!Supersedes(order, known.order)) return nullptr;
      known.order = order;
      known.unordered = known.unordered || order == RowPlace::kNoOrder;
      return &known;
    }
    at = (at + 1) & mask;
  }
  changes_.push_back({.key = key, .order = order, .unordered = order == RowPlace::kNoOrder});
  slots_[at] = static_cast<uint32_t>(changes_.size());
  return &changes_.back();
}

uint32_t KeyChanges::Upsert(const KeyHash& key, int64_t order) {
  Change* change = Supersede(key, order);
  if (change == nullptr) return kDeleted;
  if (change_of_row_.size() >= kDeleted - 1) {
    throw Error(ErrorCode::kInternal, "a chunk has more rows than can be numbered; it should have been committed");
  }
  change->row = static_cast<uint32_t>(change_of_row_.size());
  change_of_row_.push_back(static_cast<uint32_t>(change - changes_.data()));
  return change->row;
}

void KeyChanges::Delete(const KeyHash& key, int64_t order) {
  if (Change* change = Supersede(key, order)) change->row = kDeleted;
}

int64_t KeyChanges::bytes() const {
  return static_cast<int64_t>(changes_.capacity() * sizeof(Change) +
                              (change_of_row_.capacity() + slots_.capacity()) * sizeof(uint32_t));
}

void KeyChanges::Clear() {
  changes_ = {};
  change_of_row_ = {};
  slots_ = {};
}

}  // namespace millrace::land
