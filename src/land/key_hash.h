#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace::land {

/// 128 bits of xxh3 over the encoded values of a key: equal keys are equal, and among a trillion different ones no two
/// are.
struct KeyHash {
  uint64_t high = 0;
  uint64_t low = 0;
  friend auto operator<=>(const KeyHash&, const KeyHash&) = default;
};

/// For tables in memory: any part of a hash is as good as another.
struct HashOfKey {
  size_t operator()(const KeyHash& key) const noexcept { return key.low; }
};

/// The key of each row over the columns `paths`; nullopt where any of them is null. An integer and a float hash alike
/// in all their widths, so that a promoted column keeps its keys. The encoding is frozen: key indexes on disk hold
/// these hashes.
std::vector<std::optional<KeyHash>> HashKeys(const arrow::RecordBatch& rows, const std::vector<std::string>& paths);
/// The same over columns in hand, in the order of the key.
std::vector<std::optional<KeyHash>> HashKeys(const arrow::ArrayVector& columns);

/// The values of each row of some columns of one length, nulls among them: null equals null, whatever the type. Not
/// comparable with HashKeys; never stored.
std::vector<KeyHash> HashValues(const arrow::ArrayVector& columns);

}  // namespace millrace::land
