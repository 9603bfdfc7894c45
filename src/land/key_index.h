#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "land/key_hash.h"
#include "table/data_file.h"

namespace millrace::land {

/// Which keys a table holds, so that a second record of a key is recognised. Sorted runs of 16-byte hashes in a folder,
/// read by position, with a Bloom filter of 12 bits a key in memory; a key that is new costs no read. What a chunk
/// brings stays apart until the chunk's commit is known, and goes with it when it is not.
///
/// The index is a copy: it says of which snapshot, and is read again from the table's data files when it is absent,
/// torn, or of another table; what other writers appended since is read from their files alone. Single-threaded.
class KeyIndex {
 public:
  KeyIndex(std::filesystem::path folder, std::vector<std::string> key_paths);
  ~KeyIndex();
  KeyIndex(const KeyIndex&) = delete;
  KeyIndex& operator=(const KeyIndex&) = delete;

  /// Brings the index to the table's current snapshot. Forgets what is pending. Error kConfig when a key column is not
  /// in the table.
  void CatchUp(io::ObjectStore& store, const table::TableMetadata& metadata);

  /// For each key, in order: true when neither the table nor the chunk so far has it; the chunk has it from then on.
  std::vector<bool> Claim(std::span<const KeyHash> keys);
  /// Keys of the chunk so far.
  int64_t pending() const;
  /// Whether other writers have brought a key of the chunk to the table since CatchUp or Landed, or changed it in
  /// another way than by adding rows: then the chunk may not land as it is.
  bool Clashes(io::ObjectStore& store, const table::TableMetadata& metadata);

  /// The chunk landed: its keys are those of the table as of `metadata`, together with what others appended before it.
  void Landed(io::ObjectStore& store, const table::TableMetadata& metadata, table::SnapshotId snapshot);
  /// The chunk did not land.
  void Forget();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::land
