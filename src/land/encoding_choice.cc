#include "land/encoding_choice.h"

#include <arrow/api.h>
#include <arrow/util/compression.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "land/arrow_status.h"

namespace millrace::land {
namespace {

constexpr int64_t kRunValues = 129;  // one block of DELTA_BINARY_PACKED: 128 deltas
constexpr int64_t kRunsMax = 64;
/// Of a small row group an eighth is looked at, and so many runs at least: more would take as long as to encode it.
constexpr int64_t kRunsMin = 16;
constexpr int64_t kShare = 8;
/// The library gives up on a dictionary above this size.
constexpr double kDictionaryBytesMax = 1 << 20;
/// Above this share of its size a column is not worth the time of a decompressor.
constexpr double kCompressedShareMax = 0.92;
constexpr size_t kTrialBytes = size_t{128} << 10;
/// So few bytes tell of a column that gets this small.
constexpr size_t kFirstTrialBytes = size_t{16} << 10;
constexpr double kClearlyCompressed = 0.8;

const arrow::Array& StorageOf(const arrow::Array& array) {
  return array.type_id() == arrow::Type::EXTENSION ? *static_cast<const arrow::ExtensionArray&>(array).storage()
                                                   : array;
}

/// Bytes of the values of a type that has a fixed number of them; nullopt for others.
std::optional<int> FixedBytes(const arrow::DataType& type) {
  if (type.id() == arrow::Type::BOOL || !arrow::is_fixed_width(type.id())) return std::nullopt;
  return static_cast<const arrow::FixedWidthType&>(type).bit_width() / 8;
}

/// Values of a leaf, as bytes, in runs of neighbours that are spread over it. Views into the leaf's buffers. Every
/// fourth run is taken first: most columns tell by those.
class Sample {
 public:
  explicit Sample(const Leaf& leaf) {
    int64_t length = 0;
    for (const auto& chunk : leaf.chunks) {
      length += chunk->length();
      total_ += chunk->length() - chunk->null_count();
    }
    const int64_t runs = std::clamp(length / (kShare * kRunValues), kRunsMin, kRunsMax);
    const int64_t stride = std::max(kRunValues, length / runs);
    int64_t chunk_begin = 0;
    int64_t next = 0;
    for (const auto& chunk : leaf.chunks) {
      for (; next < chunk_begin + chunk->length(); next += stride) {
        places_.push_back({.chunk = chunk.get(), .begin = next - chunk_begin});
      }
      chunk_begin += chunk->length();
    }
    const auto most = std::min<int64_t>(length, std::ssize(places_) * kRunValues);
    values_.reserve(static_cast<size_t>(most));
    for (size_t i = 0; i < places_.size(); i += kFirstRuns) Take(places_[i]);
    // Nulls may lie where it was looked first.
    if (std::ssize(places_) <= kRunsMin || values_.empty()) TakeRest();
  }

  const std::vector<std::string_view>& values() const { return values_; }
  /// Where each run ends, in values().
  const std::vector<size_t>& run_ends() const { return run_ends_; }
  /// Values of the leaf, nulls left out.
  int64_t total() const { return total_; }

  /// Takes the runs that were not taken yet, behind the others. False when there are none.
  bool TakeRest() {
    if (whole_) return false;
    whole_ = true;
    for (size_t i = 0; i < places_.size(); ++i) {
      if (i % kFirstRuns != 0) Take(places_[i]);
    }
    return true;
  }

 private:
  static constexpr size_t kFirstRuns = 4;

  struct Place {
    const arrow::Array* chunk;
    int64_t begin;
  };

  void Take(const Place& place) {
    const auto& array = StorageOf(*place.chunk);
    const int64_t end = std::min(array.length(), place.begin + kRunValues);
    const bool binary = arrow::is_base_binary_like(array.type_id()) && !arrow::is_large_binary_like(array.type_id());
    const std::optional<int> width = FixedBytes(*array.type());
    if (!binary && !width) return;
    const bool nulls = array.null_count() > 0;
    for (int64_t i = place.begin; i < end; ++i) {
      if (nulls && array.IsNull(i)) continue;
      if (binary) {
        values_.push_back(static_cast<const arrow::BinaryArray&>(array).GetView(i));
      } else {
        const uint8_t* bytes = array.data()->buffers[1]->data();
        values_.emplace_back(reinterpret_cast<const char*>(bytes) + (array.offset() + i) * *width, *width);
      }
    }
    run_ends_.push_back(values_.size());
  }

  std::vector<Place> places_;
  std::vector<std::string_view> values_;
  std::vector<size_t> run_ends_;
  int64_t total_ = 0;
  bool whole_ = false;
};

struct Cardinality {
  double distinct = 0;  // estimated, over the whole leaf
  double value_bytes = 0;
  double once = 0;  // share of the sample that was seen once
};

/// How often each hash was seen: open addressing, because to sort the hashes took longer than all else here. Of a hash
/// 31 bits are kept, so that the slots of a sample lie in the nearest cache; two values of one hash are seldom enough.
class SeenHashes {
 public:
  explicit SeenHashes(size_t hashes) : slots_(std::bit_ceil(hashes + hashes / 2 + 1)), mask_(slots_.size() - 1) {}

  void Add(uint64_t hash) {
    const uint32_t kept = std::max<uint32_t>(static_cast<uint32_t>(hash >> 33), 1) << 1;  // 0 marks a free slot
    size_t at = hash & mask_;
    while (slots_[at] != 0 && (slots_[at] & ~kAgain) != kept) at = (at + 1) & mask_;
    if (slots_[at] == 0) {
      slots_[at] = kept;
      ++distinct_;
      ++once_;
    } else if ((slots_[at] & kAgain) == 0) {
      slots_[at] |= kAgain;
      --once_;
    }
  }
  int64_t distinct() const { return distinct_; }
  int64_t once() const { return once_; }

 private:
  static constexpr uint32_t kAgain = 1;

  std::vector<uint32_t> slots_;
  const size_t mask_;
  int64_t distinct_ = 0;
  int64_t once_ = 0;
};

/// A column of nearly none or of nearly all values seen once: more values would say the same.
constexpr double kNearlyAll = 0.95;
constexpr double kNearlyNone = 0.02;

/// Haas and Stokes' GEE estimator: values seen twice are common, those seen once stand for sqrt(N/n) others.
Cardinality EstimateFrom(const Sample& sample) {
  SeenHashes seen(sample.values().size());
  double bytes = 0;
  for (const auto value : sample.values()) {
    seen.Add(XXH3_64bits(value.data(), value.size()));
    bytes += static_cast<double>(value.size());
  }
  const auto once = static_cast<double>(seen.once());
  const auto looked = static_cast<double>(sample.values().size());
  const double scale = std::sqrt(static_cast<double>(sample.total()) / looked);
  return {.distinct = static_cast<double>(seen.distinct()) - once + once * scale,
          .value_bytes = bytes / looked,
          .once = once / looked};
}

/// Takes the rest of the sample where its first runs do not tell.
Cardinality Estimate(Sample& sample) {
  const auto cardinality = EstimateFrom(sample);
  const bool unclear = cardinality.once < kNearlyAll && cardinality.once > kNearlyNone;
  return unclear && sample.TakeRest() ? EstimateFrom(sample) : cardinality;
}

bool DictionaryPays(const Cardinality& cardinality, const Sample& sample) {
  return cardinality.once < 0.5 && cardinality.distinct * (cardinality.value_bytes + 4) < kDictionaryBytesMax &&
         cardinality.distinct < static_cast<double>(sample.total()) / 4;
}

int64_t AsInteger(std::string_view value) {
  if (value.size() == sizeof(int64_t)) {
    int64_t wide;
    std::memcpy(&wide, value.data(), sizeof(wide));
    return wide;
  }
  int32_t narrow;
  std::memcpy(&narrow, value.data(), sizeof(narrow));
  return narrow;
}

/// Bits a value that DELTA_BINARY_PACKED would need: per block its least delta is taken off, per 32 values the
/// widest rest counts.
double DeltaBits(const Sample& sample) {
  constexpr size_t kMiniblock = 32;
  double bits = 0;
  double count = 0;
  std::vector<int64_t> deltas;
  const auto& values = sample.values();
  size_t run_begin = 0;
  for (const size_t run_end : sample.run_ends()) {
    deltas.clear();
    for (size_t i = std::exchange(run_begin, run_end) + 1; i < run_end; ++i) {
      const auto delta = static_cast<uint64_t>(AsInteger(values[i])) - static_cast<uint64_t>(AsInteger(values[i - 1]));
      deltas.push_back(static_cast<int64_t>(delta));
    }
    if (deltas.empty()) continue;
    const uint64_t least = static_cast<uint64_t>(*std::ranges::min_element(deltas));
    for (size_t begin = 0; begin < deltas.size(); begin += kMiniblock) {
      const size_t end = std::min(deltas.size(), begin + kMiniblock);
      uint64_t widest = 0;
      for (size_t i = begin; i < end; ++i) widest = std::max(widest, static_cast<uint64_t>(deltas[i]) - least);
      bits += static_cast<double>(std::bit_width(widest)) * static_cast<double>(end - begin);
    }
    count += static_cast<double>(deltas.size());
  }
  return count == 0 ? 64 : bits / count;
}

bool IsInteger(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::DATE32:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
      return true;
    default:
      return false;
  }
}

/// The size of these bytes compressed, as a share of what it was.
double CompressedShare(arrow::util::Codec& codec, std::string_view plain) {
  const auto* input = reinterpret_cast<const uint8_t*>(plain.data());
  const auto size = static_cast<int64_t>(plain.size());
  std::string output(static_cast<size_t>(codec.MaxCompressedLen(size, input)), '\0');
  const int64_t compressed = ValueOf(
      codec.Compress(size, input, static_cast<int64_t>(output.size()), reinterpret_cast<uint8_t*>(output.data())),
      "zstd");
  return static_cast<double>(compressed) / static_cast<double>(size);
}

/// Whether plain values get smaller by compression at all, by trying it: with few of them where that tells.
bool Compresses(Sample& sample, bool length_prefixed, int zstd_level) {
  std::string plain;
  size_t next = 0;
  const auto add = [&](size_t bytes) {
    for (; next < sample.values().size() && plain.size() < bytes; ++next) {
      const auto value = sample.values()[next];
      const auto size = static_cast<uint32_t>(value.size());
      if (length_prefixed) plain.append(reinterpret_cast<const char*>(&size), sizeof(size));
      plain.append(value);
    }
  };
  const auto codec = ValueOf(arrow::util::Codec::Create(arrow::Compression::ZSTD, zstd_level), "zstd");
  add(kFirstTrialBytes);
  if (CompressedShare(*codec, plain) < kClearlyCompressed) return true;
  sample.TakeRest();
  add(kTrialBytes);
  return CompressedShare(*codec, plain) < kCompressedShareMax;
}

void AppendLeaves(const std::shared_ptr<arrow::Array>& array, bool repeated, size_t& next, std::vector<Leaf>& leaves) {
  switch (array->type_id()) {
    case arrow::Type::STRUCT: {
      const auto& group = static_cast<const arrow::StructArray&>(*array);
      for (int i = 0; i < group.num_fields(); ++i) AppendLeaves(group.field(i), repeated, next, leaves);
      return;
    }
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListArray&>(*array);
      const int32_t begin = list.value_offset(0);
      AppendLeaves(list.values()->Slice(begin, list.value_offset(list.length()) - begin), true, next, leaves);
      return;
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapArray&>(*array);
      const int32_t begin = map.value_offset(0);
      const int32_t size = map.value_offset(map.length()) - begin;
      AppendLeaves(map.keys()->Slice(begin, size), true, next, leaves);
      AppendLeaves(map.items()->Slice(begin, size), true, next, leaves);
      return;
    }
    default:
      if (next == leaves.size()) leaves.emplace_back().repeated = repeated;
      leaves[next++].chunks.push_back(array);
  }
}

}  // namespace

std::vector<Leaf> LeavesOf(const arrow::Table& rows) {
  std::vector<Leaf> leaves;
  size_t column_begin = 0;
  for (const auto& column : rows.columns()) {
    size_t next = column_begin;
    for (const auto& chunk : column->chunks()) {
      next = column_begin;
      AppendLeaves(chunk, false, next, leaves);
    }
    column_begin = next;
  }
  return leaves;
}

ColumnEncoding ChooseEncoding(const Leaf& leaf, int zstd_level) {
  using Kind = ColumnEncoding::Kind;
  if (leaf.chunks.empty() || StorageOf(*leaf.chunks.front()).type_id() == arrow::Type::BOOL) return {};
  const arrow::DataType& type = *StorageOf(*leaf.chunks.front()).type();
  if (type.id() == arrow::Type::DICTIONARY) return {.kind = Kind::kDictionary};  // somebody chose already
  Sample sample(leaf);
  if (sample.values().empty()) return {};
  const Cardinality cardinality = Estimate(sample);
  const bool dictionary = DictionaryPays(cardinality, sample);
  if (IsInteger(type)) {
    const double delta_bits = DeltaBits(sample);
    const double plain_bits = 8 * cardinality.value_bytes;
    if (dictionary && std::log2(cardinality.distinct) + 4 < delta_bits) return {.kind = Kind::kDictionary};
    if (delta_bits < 0.9 * plain_bits) return {.kind = Kind::kDelta};
  } else if (dictionary) {
    return {.kind = Kind::kDictionary};
  }
  return {.kind = Kind::kPlain, .compress = Compresses(sample, !FixedBytes(type), zstd_level)};
}

}  // namespace millrace::land
