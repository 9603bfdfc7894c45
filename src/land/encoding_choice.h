#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace millrace::land {

/// How one Parquet column is written.
struct ColumnEncoding {
  enum class Kind { kDefault, kDictionary, kPlain, kDelta };  // kDefault: what the library does for the type
  Kind kind = Kind::kDefault;
  bool compress = true;
  friend bool operator==(const ColumnEncoding&, const ColumnEncoding&) = default;
};

/// The bottom columns of nested ones, in Parquet's order.
struct Leaf {
  std::vector<std::shared_ptr<arrow::Array>> chunks;
  bool repeated = false;  // inside a list or a map
};
std::vector<Leaf> LeavesOf(const arrow::Table& rows);

/// Decides from the data itself, by a sample of some thousand values in short runs spread over `leaf`: a dictionary
/// where few values repeat, deltas for integers and times that lie close together, no compression for what does not
/// compress (hashes, binary UUIDs). A pure function of the data.
ColumnEncoding ChooseEncoding(const Leaf& leaf, int zstd_level);

}  // namespace millrace::land
