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

/// One sorted file of distinct keys; immutable, removed from disk when `Remove` is called. In memory: its Bloom filter
/// and one key of every 256.
///
///   magic "MRKEYS1\n" | count u64 | count x (high u64, low u64), rising | xxh64 of the keys          little-endian,
///   frozen
class KeyRun {
 public:
  /// Gives the next key in rising order; nullopt at the end.
  using Next = std::function<std::optional<KeyHash>()>;

  static std::unique_ptr<KeyRun> Write(const std::filesystem::path& path, int64_t keys_max, const Next& next);
  /// Null when it is absent, torn or no such file: the index is then made anew.
  static std::unique_ptr<KeyRun> Open(const std::filesystem::path& path);
  ~KeyRun();
  KeyRun(const KeyRun&) = delete;
  KeyRun& operator=(const KeyRun&) = delete;

  bool Holds(const KeyHash& key) const;
  int64_t size() const { return count_; }
  const std::filesystem::path& path() const { return path_; }
  /// All keys in order, read in large pieces. The run outlives it.
  Next Scan() const;
  void Remove() const;

 private:
  KeyRun(std::filesystem::path path, int fd, int64_t keys_max);
  void ReadKeys(int64_t first, KeyHash* out, int64_t count) const;
  void Learn(const KeyHash& key);

  std::filesystem::path path_;
  int fd_;
  int64_t count_ = 0;
  BloomFilter filter_;
  std::vector<KeyHash> fences_;  // keys 0, 256, 512, ...
};

}  // namespace millrace::land
