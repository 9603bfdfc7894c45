#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "land/key_run.h"
#include "table/delete_files.h"

namespace millrace::land {

/// A data file as the index numbers it: path, spec, partition and data sequence number, no more of its entry.
using IndexedFile = table::DatedFile;

/// Where the row of each key of a table lies: the data file and the position in it, and the value of the column that
/// orders changes. Sorted runs in a folder (key_run.h), read by position; of several entries of a key the newest
/// counts. What was deleted keeps an entry that says so, for the sake of its order.
///
/// The index is a copy: it says of which snapshot, follows what others committed since by reading the keys of files it
/// does not know, and is read anew from the table when it is absent, torn, or of another table. A row that somebody
/// deleted meanwhile may still be in it; a place that it gives is that of the key's row whenever there is one.
/// Single-threaded, but for Find and FileOf between changes.
class RowIndex {
 public:
  /// `order_path`: empty when changes are ordered by the stream alone.
  RowIndex(std::filesystem::path folder, std::vector<std::string> key_paths, std::string order_path);
  ~RowIndex();
  RowIndex(const RowIndex&) = delete;
  RowIndex& operator=(const RowIndex&) = delete;

  /// Brings the index to the table's current snapshot. True when it was at another one. Error kConfig when a column of
  /// the key or the order is not in the table, or is of a type that cannot be one.
  bool CatchUp(io::ObjectStore& store, const table::TableMetadata& metadata);

  std::optional<RowPlace> Find(const KeyHash& key) const;
  /// Null when it is no data file of the table any more.
  const IndexedFile* FileOf(uint32_t number) const;
  /// Rows of keys that have another one besides: somebody appended a key that was there. To be deleted with the next
  /// commit; the index is not saved before that.
  const std::vector<RowPlace>& doubles() const;

  /// A commit of the caller's, built on the snapshot that the index is at: files that came and went, and an entry for
  /// each key that changed, rising. Files of `added` are numbered in their order from next_number() on.
  struct Landing {
    table::SnapshotId snapshot_id;
    std::vector<IndexedFile> added = {};
    std::vector<table::DataFile> unread = {};  // their keys are read
    std::set<std::string> removed_paths = {};
    std::vector<KeyEntry> entries = {};
  };
  /// The number that the next new file gets.
  uint32_t next_number() const;
  /// Takes over the landing when it stands on the snapshot the index is at; else follows the table as CatchUp does.
  void Landed(io::ObjectStore& store, const table::TableMetadata& metadata, Landing landing);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A value of the column that orders changes, as a number that rises with it; a null has no order. Error kConfig for
/// types without one number.
std::vector<int64_t> OrderOf(const arrow::Array& column);

/// Whether a change takes the place of an earlier one: it is not older, or one of the two has no order.
inline bool Supersedes(int64_t order, int64_t earlier) {
  return order == RowPlace::kNoOrder || earlier == RowPlace::kNoOrder || order >= earlier;
}

}  // namespace millrace::land
