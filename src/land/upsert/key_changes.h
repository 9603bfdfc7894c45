#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "land/key_hash.h"

namespace millrace::land {

/// What a chunk does to each of its keys so far: the last change of a key stands, or the one that the order column says
/// is newest. Rows that are written are numbered, so that a row can be asked later whether it still stands. About 60
/// bytes a key and 4 a row. Single-threaded.
class KeyChanges {
 public:
  static constexpr uint32_t kDeleted = UINT32_MAX;

  struct Change {
    KeyHash key;
    int64_t order = 0;
    uint32_t row = kDeleted;  // the row that stands; kDeleted: the key goes
    /// One of the changes had no order: whatever the table has of the key is older.
    bool unordered = false;
  };

  /// The number of the row when it stands for now; kDeleted when a newer change of the key is known: then it need not
  /// be written at all.
  uint32_t Upsert(const KeyHash& key, int64_t order);
  void Delete(const KeyHash& key, int64_t order);

  /// In the order in which keys were first seen.
  const std::vector<Change>& changes() const { return changes_; }
  /// The change that a numbered row was written for; the row stands if it is that change's.
  const Change& OfRow(uint32_t row) const { return changes_[change_of_row_[row]]; }

  bool empty() const { return changes_.empty(); }
  int64_t bytes() const;
  void Clear();

 private:
  /// The change of the key, made if there is none; null when it is newer than `order`.
  Change* Supersede(const KeyHash& key, int64_t order);
  void Grow();

  std::vector<Change> changes_;
  std::vector<uint32_t> change_of_row_;
  std::vector<uint32_t> slots_;  // open addressing: a change's index plus one; 0: free
};

}  // namespace millrace::land
