#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace millrace::decode {

/// A member's name ready to be compared with raw JSON in one step: the name and its closing quote, up to 32 bytes.
/// Longer names and those that JSON escapes never match here; they are looked up by their text.
class KeyPattern {
 public:
  KeyPattern() = default;
  explicit KeyPattern(std::string_view name) {
    if (name.size() >= sizeof bytes_) return;
    for (const char c : name) {
      if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) return;
    }
    std::memcpy(bytes_, name.data(), name.size());
    bytes_[name.size()] = '"';
    size_ = static_cast<uint32_t>(name.size() + 1);
    mask_ = static_cast<uint32_t>((uint64_t{1} << size_) - 1);
  }

  /// `raw` is what follows a key's opening quote; 32 bytes of it are readable.
  bool Matches(const char* raw) const {
#if defined(__AVX2__)
    const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(raw));
    const __m256i name = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes_));
    const auto equal = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(text, name)));
    return (equal & mask_) == mask_ && size_ != 0;
#else
    return size_ != 0 && std::memcmp(raw, bytes_, size_) == 0;
#endif
  }

 private:
  char bytes_[32] = {};
  uint32_t mask_ = 0;
  uint32_t size_ = 0;
};

}  // namespace millrace::decode
