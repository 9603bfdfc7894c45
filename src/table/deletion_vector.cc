#include "table/deletion_vector.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <span>
#include <utility>

#include "base/error.h"
#include "table/read_object.h"

namespace millrace::table {
namespace {

constexpr std::string_view kMagic = "\xd1\xd3\x39\x64";
constexpr uint32_t kCookieNoRuns = 12'346;
constexpr uint32_t kCookieRuns = 12'347;
constexpr uint32_t kContainersMax = 1U << 16;
constexpr uint32_t kOffsetsFrom = 4;  // with runs, there are offsets from so many containers on
constexpr uint32_t kArrayMax = 4096;  // values; more are a bitmap
constexpr size_t kBitmapBytes = 8192;
constexpr int64_t kBlobBytesMax = int64_t{1} << 30;

[[noreturn]] void Damaged(std::string_view what) {
  throw Error(ErrorCode::kData, fmt::format("the deletion vector is damaged: {}", what));
}

/// Little-endian numbers one after another.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}

  std::string_view Take(size_t size) {
    if (size > bytes_.size()) Damaged("it ends too early");
    const auto taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  template <typename T>
  T Number() {
    T value;
    std::memcpy(&value, Take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  bool empty() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

uint32_t BigEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

/// Values of one vector, which must rise.
class Positions {
 public:
  explicit Positions(int64_t most) : most_(most) {}

  void Add(int64_t position) {
    if (!values_.empty() && position <= values_.back()) Damaged("its positions do not rise");
    if (static_cast<int64_t>(values_.size()) == most_) Damaged("it holds more positions than its entry says");
    values_.push_back(position);
  }
  std::vector<int64_t> Take() && { return std::move(values_); }

 private:
  const int64_t most_;
  std::vector<int64_t> values_;
};

void ReadRuns(Bytes& in, int64_t base, Positions& out) {
  const auto runs = in.Number<uint16_t>();
  for (uint16_t run = 0; run < runs; ++run) {
    const int64_t start = in.Number<uint16_t>();
    const int64_t more = in.Number<uint16_t>();
    if (start + more > UINT16_MAX) Damaged("a run leaves its container");
    for (int64_t value = start; value <= start + more; ++value) out.Add(base + value);
  }
}

void ReadBits(Bytes& in, int64_t base, Positions& out) {
  const auto bits = in.Take(kBitmapBytes);
  for (size_t byte = 0; byte < bits.size(); ++byte) {
    const auto set = static_cast<uint8_t>(bits[byte]);
    for (int bit = 0; set >> bit != 0; ++bit) {
      if ((set >> bit & 1) != 0) out.Add(base + static_cast<int64_t>(byte * 8) + bit);
    }
  }
}

/// One 32-bit bitmap in Roaring's portable form; `high` stands above its values.
void ReadBitmap(Bytes& in, int64_t high, Positions& out) {
  const auto cookie = in.Number<uint32_t>();
  const bool with_runs = (cookie & 0xffff) == kCookieRuns;
  if (!with_runs && cookie != kCookieNoRuns) Damaged("it is no Roaring bitmap");
  const uint32_t containers = with_runs ? (cookie >> 16) + 1 : in.Number<uint32_t>();
  if (containers > kContainersMax) Damaged("it has too many containers");
  const auto run_flags = in.Take(with_runs ? (containers + 7) / 8 : 0);
  const auto descriptions = in.Take(size_t{containers} * 4);
  if (!with_runs || containers >= kOffsetsFrom) in.Take(size_t{containers} * 4);
  Bytes described(descriptions);
  for (uint32_t i = 0; i < containers; ++i) {
    const int64_t base = high << 32 | static_cast<int64_t>(described.Number<uint16_t>()) << 16;
    const uint32_t values = uint32_t{described.Number<uint16_t>()} + 1;
    if (with_runs && (static_cast<uint8_t>(run_flags[i / 8]) >> (i % 8) & 1) != 0) {
      ReadRuns(in, base, out);
    } else if (values > kArrayMax) {
      ReadBits(in, base, out);
    } else {
      for (uint32_t k = 0; k < values; ++k) out.Add(base + in.Number<uint16_t>());
    }
  }
}

template <typename T>
void Put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void PutBigEndian(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

/// Values of one container: the lower 16 bits of positions that share the others.
using Container = std::span<const int64_t>;

uint16_t Low(int64_t position) { return static_cast<uint16_t>(position & 0xffff); }

/// Of each run the first value and how many follow it.
std::vector<std::pair<uint16_t, uint16_t>> RunsOf(Container values) {
  std::vector<std::pair<uint16_t, uint16_t>> runs;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && values[i] == values[i - 1] + 1) {
      ++runs.back().second;
    } else {
      runs.emplace_back(Low(values[i]), 0);
    }
  }
  return runs;
}

/// The shortest of the three forms, and whether it is that of runs.
std::pair<std::string, bool> Packed(Container values) {
  std::string bytes;
  const auto runs = RunsOf(values);
  const size_t flat = std::min(values.size() * sizeof(uint16_t), kBitmapBytes);
  if (sizeof(uint16_t) + runs.size() * 2 * sizeof(uint16_t) < flat) {
    Put(bytes, static_cast<uint16_t>(runs.size()));
    for (const auto& [first, more] : runs) {
      Put(bytes, first);
      Put(bytes, more);
    }
    return {bytes, true};
  }
  if (values.size() <= kArrayMax) {
    for (const int64_t value : values) Put(bytes, Low(value));
    return {bytes, false};
  }
  bytes.assign(kBitmapBytes, '\0');
  for (const int64_t value : values) bytes[Low(value) / 8] |= static_cast<char>(1 << Low(value) % 8);
  return {bytes, false};
}

/// One 32-bit bitmap of positions that share the higher bits; ReadBitmap's inverse.
void WriteBitmap(std::span<const int64_t> positions, std::string& out) {
  std::vector<std::pair<std::string, bool>> containers;
  std::string descriptions;
  std::string run_flags;
  bool with_runs = false;
  for (size_t first = 0; first < positions.size();) {
    const int64_t above = positions[first] >> 16;
    size_t last = first;
    while (last < positions.size() && positions[last] >> 16 == above) ++last;
    const auto values = positions.subspan(first, last - first);
    const size_t number = containers.size();
    containers.push_back(Packed(values));
    if (number % 8 == 0) run_flags += '\0';
    if (containers.back().second) run_flags[number / 8] |= static_cast<char>(1 << number % 8);
    with_runs = with_runs || containers.back().second;
    Put(descriptions, static_cast<uint16_t>(above & 0xffff));
    Put(descriptions, static_cast<uint16_t>(values.size() - 1));
    first = last;
  }
  std::string head;
  if (with_runs) {
    Put(head, kCookieRuns | static_cast<uint32_t>(containers.size() - 1) << 16);
    head += run_flags;
  } else {
    Put(head, kCookieNoRuns);
    Put(head, static_cast<uint32_t>(containers.size()));
  }
  head += descriptions;
  if (!with_runs || containers.size() >= kOffsetsFrom) {
    auto at = static_cast<uint32_t>(head.size() + containers.size() * sizeof(uint32_t));
    for (const auto& [bytes, runs] : containers) {
      Put(head, at);
      at += static_cast<uint32_t>(bytes.size());
    }
  }
  out += head;
  for (const auto& [bytes, runs] : containers) out += bytes;
}

}  // namespace

std::set<std::string_view> FilesGivenVectors(const std::vector<DataFile>& files) {
  std::set<std::string_view> given;
  for (const auto& file : files) {
    if (IsDeletionVector(file)) given.insert(*file.referenced_data_file);
  }
  return given;
}

bool IsDeletionVector(const DataFile& deletes) {
  return deletes.content == FileContent::kPositionDeletes &&
         std::ranges::equal(deletes.file_format, std::string_view("PUFFIN"),
                            [](char a, char b) { return std::toupper(static_cast<unsigned char>(a)) == b; });
}

std::vector<int64_t> DecodeDeletionVector(std::string_view blob, int64_t positions_max) {
  Bytes in(blob);
  const uint32_t length = BigEndian(in.Take(4));
  const auto body = in.Take(length);
  const uint32_t sum = BigEndian(in.Take(4));
  if (!in.empty()) Damaged("there is something behind its end");
  if (!body.starts_with(kMagic)) Damaged("its magic is another one");
  if (crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())) != sum) {
    Damaged("its checksum is another one");
  }
  Bytes bitmaps(body.substr(kMagic.size()));
  Positions positions(positions_max);
  const auto count = bitmaps.Number<uint64_t>();
  for (uint64_t i = 0; i < count; ++i) {
    const auto high = bitmaps.Number<uint32_t>();
    if (high > INT32_MAX) Damaged("a position is too large");
    ReadBitmap(bitmaps, high, positions);
  }
  if (!bitmaps.empty()) Damaged("there is something behind its end");
  return std::move(positions).Take();
}

std::string EncodeDeletionVector(const std::vector<int64_t>& positions) {
  std::string body(kMagic);
  std::string bitmaps;
  uint64_t count = 0;
  for (auto first = positions.begin(); first != positions.end(); ++count) {
    const int64_t high = *first >> 32;
    const auto last = std::find_if(first, positions.end(), [&](int64_t one) { return one >> 32 != high; });
    Put(bitmaps, static_cast<uint32_t>(high));
    WriteBitmap({first, last}, bitmaps);
    first = last;
  }
  Put(body, count);
  body += bitmaps;
  std::string blob;
  PutBigEndian(blob, static_cast<uint32_t>(body.size()));
  blob += body;
  PutBigEndian(blob, static_cast<uint32_t>(
                         crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()))));
  return blob;
}

std::vector<int64_t> ReadDeletionVector(io::ObjectStore& store, const DataFile& deletes) {
  return WithContext("delete file " + deletes.file_path, [&] {
    if (!deletes.content_offset || !deletes.content_size_in_bytes || *deletes.content_offset < 0 ||
        *deletes.content_size_in_bytes < 0 || *deletes.content_size_in_bytes > kBlobBytesMax) {
      Damaged("its entry does not say where it lies");
    }
    const auto blob =
        store.GetRange(KeyOf(store, deletes.file_path), *deletes.content_offset, *deletes.content_size_in_bytes);
    auto positions = DecodeDeletionVector(blob, deletes.record_count);
    if (static_cast<int64_t>(positions.size()) != deletes.record_count) {
      Damaged("it holds fewer positions than its entry says");
    }
    return positions;
  });
}

}  // namespace millrace::table
