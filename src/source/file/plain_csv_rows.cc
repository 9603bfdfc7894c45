#include "source/file/plain_csv_rows.h"

#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "source/file/csv_value.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace millrace::source {
namespace {

constexpr size_t kBlock = 32;
static_assert(kBlock <= PaddedBuffer::kPadding);

/// A bit for each of the kBlock bytes at `at`.
struct BlockBits {
  uint32_t delimiters = 0;
  uint32_t others = 0;  // what a plain row has none of
};

#if defined(__AVX2__)
BlockBits BitsOf(const char* at, CsvDialect dialect) {
  const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const auto equal = [block](char c) { return _mm256_cmpeq_epi8(block, _mm256_set1_epi8(c)); };
  const __m256i control = _mm256_set1_epi8(0x1f);
  const __m256i low = _mm256_cmpeq_epi8(_mm256_max_epu8(block, control), control);
  const __m256i quotes = _mm256_or_si256(equal(dialect.quote), equal('"'));
  const __m256i others = _mm256_or_si256(_mm256_or_si256(quotes, equal('\\')), low);
  const auto delimiters = static_cast<uint32_t>(_mm256_movemask_epi8(equal(dialect.delimiter)));
  return {delimiters, static_cast<uint32_t>(_mm256_movemask_epi8(others)) & ~delimiters};
}
#else
BlockBits BitsOf(const char* at, CsvDialect dialect) {
  BlockBits bits;
  for (size_t i = 0; i < kBlock; ++i) {
    const char c = at[i];
    const bool other = c == dialect.quote || c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
    if (c == dialect.delimiter) {
      bits.delimiters |= uint32_t{1} << i;
    } else if (other) {
      bits.others |= uint32_t{1} << i;
    }
  }
  return bits;
}
#endif

/// Whole blocks, whose last may reach behind the text.
char* CopyBlocks(const char* from, size_t size, char* to) {
  for (size_t done = 0; done < size; done += kBlock) std::memcpy(to + done, from + done, kBlock);
  return to + size;
}

char* WriteNull(char* to) {
  std::memcpy(to, "null", 4);
  return to + 4;
}

/// True for most integers: one to eight digits, the first no needless zero. False says nothing.
bool IsShortInteger(const char* text, size_t size) {
  if constexpr (std::endian::native != std::endian::little) return false;
  if (size == 0 || size > 8 || (text[0] == '0' && size > 1)) return false;
  constexpr uint64_t kHigh = 0xF0F0F0F0F0F0F0F0, kZeros = 0x3030303030303030, kToCarry = 0x0606060606060606;
  uint64_t digits = 0;
  std::memcpy(&digits, text, sizeof digits);
  const size_t unused = 64 - 8 * size;
  digits = (digits << unused) | ((kZeros >> (8 * size - 1)) >> 1);
  return (digits & kHigh) == kZeros && ((digits + kToCarry) & kHigh) == kZeros;
}

}  // namespace

void PlainCsvRows::AddColumn(std::string_view key, CsvType type, bool dropped) {
  auto& column = columns_.emplace_back();
  column.type = type;
  column.dropped = dropped;
  if (dropped) return;
  column.lead = (any_ ? "," : "{") + std::string(key);
  column.lead_size = column.lead.size();
  column.lead.resize(column.lead_size + kBlock);
  any_ = true;
  constexpr size_t kNull = 4;  // more than two quotes
  columns_bytes_ += column.lead_size + kNull;
}

char* PlainCsvRows::WriteValue(CsvType type, const char* text, size_t size, char* to) {
  if (size == 0) return WriteNull(to);
  if (type == CsvType::kNumber && (IsShortInteger(text, size) || IsExactJsonNumber({text, size}))) {
    return CopyBlocks(text, size, to);
  }
  if (type == CsvType::kBoolean) {
    const auto boolean = JsonBooleanOf({text, size});
    if (!boolean.empty()) {
      std::memcpy(to, boolean.data(), boolean.size());
      return to + boolean.size();
    }
  }
  *to++ = '"';
  to = CopyBlocks(text, size, to);
  *to++ = '"';
  return to;
}

char* PlainCsvRows::WriteField(const Column& column, const char* begin, const char* end, char* to) {
  if (column.dropped) return to;
  to = CopyBlocks(column.lead.data(), column.lead_size, to);
  return WriteValue(column.type, begin, static_cast<size_t>(end - begin), to);
}

char* PlainCsvRows::Write(std::string_view row, char* to) const {
  if (columns_.empty()) return nullptr;
  const Column* column = columns_.data();
  const Column* const last = column + columns_.size() - 1;
  const char* const end = row.data() + row.size();
  const char* field = row.data();
  for (const char* at = row.data(); at < end; at += kBlock) {
    auto bits = BitsOf(at, dialect_);
    const auto left = static_cast<size_t>(end - at);
    if (left < kBlock) {
      const uint32_t ours = (uint32_t{1} << left) - 1;
      bits.delimiters &= ours;
      bits.others &= ours;
    }
    if (bits.others != 0) return nullptr;
    for (; bits.delimiters != 0; bits.delimiters &= bits.delimiters - 1) {
      if (column == last) return nullptr;
      const char* const stop = at + std::countr_zero(bits.delimiters);
      to = WriteField(*column++, field, stop, to);
      field = stop + 1;
    }
  }
  if (column != last) return nullptr;
  to = WriteField(*column, field, end, to);
  if (!any_) *to++ = '{';
  *to++ = '}';
  return to;
}

}  // namespace millrace::source
