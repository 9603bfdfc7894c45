#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "land/key_hash.h"

namespace millrace::land {

/// A set that may say yes of what it does not hold (about one in two hundred), never no of what it does. Blocks of 256
/// bits, one cache line access a question (Parquet's split block filter).
class BloomFilter {
 public:
  explicit BloomFilter(int64_t keys);
  void Add(const KeyHash& key);
  bool MayHold(const KeyHash& key) const;

 private:
  using Block = std::array<uint32_t, 8>;
  size_t BlockOf(const KeyHash& key) const;
  std::vector<Block> blocks_;
};

/// Where the row of a key lies, as an index numbers data files, and what its place in the order of changes is.
struct RowPlace {
  static constexpr uint32_t kNoFile = 0;  // the key was deleted
  static constexpr int64_t kNoOrder = INT64_MIN;

  uint32_t file = kNoFile;
  uint32_t position = 0;
  int64_t order = kNoOrder;
  friend bool operator==(const RowPlace&, const RowPlace&) = default;
};

struct KeyEntry {
  KeyHash key;
  RowPlace place = {};  // of a run without places: nothing
};

/// One sorted file of distinct keys, with or without the places of their rows; immutable, removed from disk when
/// `Remove` is called. In memory: its Bloom filter and one key of every 256.
///
///   magic | count u64 | count entries, rising | xxh64 of the entries          little-endian, frozen
///   "MRKEYS1\n": entry = high u64, low u64
///   "MRROWS1\n": entry = high u64, low u64, file u32, position u32, order i64
class KeyRun {
 public:
  enum class Form { kKeys, kRows };
  /// Gives the next entry in rising order of keys; nullopt at the end.
  using Next = std::function<std::optional<KeyEntry>()>;

  static std::unique_ptr<KeyRun> Write(const std::filesystem::path& path, Form form, int64_t keys_max,
                                       const Next& next);
  /// Null when it is absent, torn, of the other form or no such file: the index is then made anew.
  static std::unique_ptr<KeyRun> Open(const std::filesystem::path& path, Form form);
  ~KeyRun();
  KeyRun(const KeyRun&) = delete;
  KeyRun& operator=(const KeyRun&) = delete;

  bool Holds(const KeyHash& key) const { return Find(key).has_value(); }
  /// Thread-safe.
  std::optional<RowPlace> Find(const KeyHash& key) const;
  int64_t size() const { return count_; }
  const std::filesystem::path& path() const { return path_; }
  /// All entries in order, read in large pieces. The run outlives it.
  Next Scan() const;
  void Remove() const;

 private:
  KeyRun(std::filesystem::path path, int fd, Form form, int64_t keys_max);
  /// The bytes of entries as they lie in the file.
  void ReadBytes(int64_t first, int64_t count, char* out) const;
  KeyEntry Decode(const char* bytes) const;
  void Learn(const KeyHash& key);

  std::filesystem::path path_;
  int fd_;
  int64_t entry_bytes_;
  int64_t count_ = 0;
  BloomFilter filter_;
  std::vector<KeyHash> fences_;  // keys 0, 256, 512, ...
};

/// The entries of two runs in order. Of a key that both have, `newer`'s.
KeyRun::Next MergedRuns(KeyRun::Next older, KeyRun::Next newer);

}  // namespace millrace::land
