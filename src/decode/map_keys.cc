#include "decode/map_keys.h"

#include <string_view>
#include <unordered_set>

namespace millrace::decode {

bool HasDuplicateKeys(const Column& keys, int64_t begin) {
  std::unordered_set<std::string_view> seen;
  for (int64_t row = begin; row < keys.length; ++row) {
    const auto from = keys.values.At<int32_t>(row), to = keys.values.At<int32_t>(row + 1);
    const std::string_view key(reinterpret_cast<const char*>(keys.text.data()) + from, static_cast<size_t>(to - from));
    if (!seen.insert(key).second) return true;
  }
  return false;
}

}  // namespace millrace::decode
