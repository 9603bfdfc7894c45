#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace millrace::decode {

/// Bytes that CopyPlainString may write, and read, behind a string.
inline constexpr size_t kStringCopySlack = 32;

struct PlainCopy {
  size_t size = 0;   // bytes before `stop`
  char stop = '\0';  // '"': the whole string was copied; '\\': up to its first escape
};

/// Copies a JSON string's text from behind its opening quote to its end or its first escape. The string is known to
/// have an end, of at most `kStringCopySlack` readable bytes before the memory's; `out` has room for it and that slack.
inline PlainCopy CopyPlainString(const char* raw, char* out) {
  size_t at = 0;
#if defined(__AVX2__)
  const __m256i quote = _mm256_set1_epi8('"'), slash = _mm256_set1_epi8('\\');
  for (;; at += 32) {
    const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(raw + at));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + at), block);
    const __m256i stops = _mm256_or_si256(_mm256_cmpeq_epi8(block, quote), _mm256_cmpeq_epi8(block, slash));
    const auto mask = static_cast<uint32_t>(_mm256_movemask_epi8(stops));
    if (mask != 0) {
      at += static_cast<size_t>(__builtin_ctz(mask));
      return {at, raw[at]};
    }
  }
#else
  for (; raw[at] != '"' && raw[at] != '\\'; ++at) out[at] = raw[at];
  return {at, raw[at]};
#endif
}

/// Where a JSON string's first quote, backslash or control character lies, or `end`. kStringCopySlack bytes may be read
/// behind it.
inline const char* FindStringStop(const char* at, const char* end) {
#if defined(__AVX2__)
  const __m256i quote = _mm256_set1_epi8('"'), slash = _mm256_set1_epi8('\\'), control = _mm256_set1_epi8(0x1f);
  for (; at < end; at += 32) {
    const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i low = _mm256_cmpeq_epi8(_mm256_max_epu8(block, control), control);
    const __m256i ends = _mm256_or_si256(_mm256_cmpeq_epi8(block, quote), _mm256_cmpeq_epi8(block, slash));
    const auto mask = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(ends, low)));
    if (mask != 0) return std::min(at + __builtin_ctz(mask), end);
  }
  return end;
#else
  while (at != end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) ++at;
  return at;
#endif
}

}  // namespace millrace::decode
