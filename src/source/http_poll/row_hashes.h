#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace millrace::source {

/// Of the last rows, what tells them apart: 64 bits of a hash of each. Bounded: the oldest go.
class RowHashes {
 public:
  static constexpr size_t kMax = 2000;

  static uint64_t Of(std::string_view row);

  void Add(uint64_t hash);
  bool Has(uint64_t hash) const;
  void Clear() { hashes_.clear(); }
  bool empty() const { return hashes_.empty(); }

  /// 16 hexadecimal digits a row, oldest first. Frozen: it is stored.
  std::string Print() const;
  /// Error kStop when it was not written by Print.
  static RowHashes Parse(std::string_view text);

 private:
  std::deque<uint64_t> hashes_;
};

}  // namespace millrace::source
