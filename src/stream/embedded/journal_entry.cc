#include "stream/embedded/journal_entry.h"

#include <limits>
#include <type_traits>

#include "base/error.h"
#include "stream/embedded/crc32c.h"

namespace millrace::stream {
namespace {

constexpr uint32_t kMagic = 0x314A524D;  // "MRJ1"
constexpr uint32_t kMoved = 1;
constexpr size_t kSummedFrom = 8;  // what stands before it is the magic and the checksum itself
constexpr size_t kRowBytes = 7 * 8 + 4 * 4;

template <typename Number>
void Put(std::string& out, Number number) {
  auto value = static_cast<std::make_unsigned_t<Number>>(number);
  for (size_t byte = 0; byte < sizeof(Number); ++byte) out += static_cast<char>(value >> (8 * byte));
}

void PutText(std::string& out, std::string_view text) {
  Put(out, static_cast<uint32_t>(text.size()));
  out += text;
}

class Taker {
 public:
  explicit Taker(std::string_view bytes) : bytes_(bytes) {}

  template <typename Number>
  Number Take() {
    const auto taken = TakeBytes(sizeof(Number));
    std::make_unsigned_t<Number> value = 0;
    for (size_t byte = 0; byte < sizeof(Number); ++byte) {
      value |= static_cast<std::make_unsigned_t<Number>>(static_cast<uint8_t>(taken[byte])) << (8 * byte);
    }
    return static_cast<Number>(value);
  }
  std::string TakeText() { return std::string(TakeBytes(Take<uint32_t>())); }
  Timestamp TakeTime() { return Timestamp(std::chrono::microseconds(Take<int64_t>())); }
  size_t left() const { return bytes_.size(); }

 private:
  std::string_view TakeBytes(size_t size) {
    if (size > bytes_.size()) throw Error(ErrorCode::kData, "an entry of the journal ends before its content does");
    const auto taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
};

void PutRow(std::string& out, const JournalRow& row) {
  const auto& numbers = row.numbers;
  Put(out, row.place);
  Put(out, numbers.count);
  for (const auto time : {numbers.time_min, numbers.time_max, numbers.ingested_at}) {
    Put(out, int64_t{time.time_since_epoch().count()});
  }
  Put(out, numbers.records_bytes);
  Put(out, numbers.body_bytes);
  Put(out, static_cast<uint32_t>(numbers.codec));
  Put(out, row.checksum);
  Put(out, row.payload_bytes);
  Put(out, uint32_t{0});
}

JournalRow TakeRow(Taker& in) {
  JournalRow row;
  row.place = in.Take<int64_t>();
  row.numbers.count = in.Take<int64_t>();
  row.numbers.time_min = in.TakeTime();
  row.numbers.time_max = in.TakeTime();
  row.numbers.ingested_at = in.TakeTime();
  row.numbers.records_bytes = in.Take<int64_t>();
  row.numbers.body_bytes = in.Take<int64_t>();
  row.numbers.codec = static_cast<Codec>(in.Take<uint32_t>());
  row.checksum = in.Take<uint32_t>();
  row.payload_bytes = in.Take<uint32_t>();
  in.Take<uint32_t>();
  return row;
}

uint32_t SumOf(std::string_view header, std::string_view meta) {
  return Crc32c(meta, Crc32c(header.substr(kSummedFrom, JournalHeader::kBytes - kSummedFrom)));
}

}  // namespace

std::string EncodeEntry(const JournalMeta& meta, JournalHeader& header) {
  std::string out(JournalHeader::kBytes, '\0');
  header.payload_bytes = 0;
  for (const auto& row : meta.rows) {
    PutRow(out, row);
    header.payload_bytes += row.payload_bytes;
  }
  Put(out, static_cast<uint32_t>(meta.positions.size()));
  for (const auto& position : meta.positions) {
    PutText(out, position.producer);
    PutText(out, position.split);
    PutText(out, position.cursor);
  }
  Put(out, static_cast<uint32_t>(meta.keys.size()));
  for (const auto& key : meta.keys) {
    Put(out, key.topic);
    PutText(out, key.key);
    Put(out, key.at);
  }
  if (out.size() > kMetaBytesMax) throw Error(ErrorCode::kInternal, "an entry of the journal is too large");
  header.meta_bytes = static_cast<uint32_t>(out.size() - JournalHeader::kBytes);
  header.rows = static_cast<uint32_t>(meta.rows.size());

  std::string head;
  Put(head, kMagic);
  Put(head, uint32_t{0});
  Put(head, header.stream);
  Put(head, header.sequence);
  Put(head, header.chain);
  Put(head, header.moved ? kMoved : uint32_t{0});
  Put(head, header.payload_bytes);
  Put(head, header.meta_bytes);
  Put(head, header.rows);
  header.checksum = SumOf(head, std::string_view(out).substr(JournalHeader::kBytes));
  std::string sum;
  Put(sum, header.checksum);
  head.replace(4, sizeof(uint32_t), sum);
  out.replace(0, head.size(), head);
  return out;
}

std::optional<JournalHeader> DecodeHeader(std::string_view bytes) {
  if (bytes.size() < JournalHeader::kBytes) return std::nullopt;
  Taker in(bytes.substr(0, JournalHeader::kBytes));
  if (in.Take<uint32_t>() != kMagic) return std::nullopt;
  JournalHeader header;
  header.checksum = in.Take<uint32_t>();
  header.stream = in.Take<uint64_t>();
  header.sequence = in.Take<uint64_t>();
  header.chain = in.Take<uint32_t>();
  header.moved = in.Take<uint32_t>() == kMoved;
  header.payload_bytes = in.Take<uint64_t>();
  header.meta_bytes = in.Take<uint32_t>();
  header.rows = in.Take<uint32_t>();
  if (header.meta_bytes > kMetaBytesMax || header.payload_bytes > uint64_t{std::numeric_limits<uint32_t>::max()}) {
    return std::nullopt;
  }
  return header;
}

JournalMeta DecodeMeta(const JournalHeader& header, std::string_view header_bytes, std::string_view meta) {
  if (SumOf(header_bytes, meta) != header.checksum) {
    throw Error(ErrorCode::kData, "the checksum of an entry of the journal differs");
  }
  Taker in(meta);
  JournalMeta decoded;
  if (header.rows > in.left() / kRowBytes) throw Error(ErrorCode::kData, "an entry of the journal has too many rows");
  decoded.rows.reserve(header.rows);
  uint64_t payload_bytes = 0;
  for (uint32_t i = 0; i < header.rows; ++i) payload_bytes += decoded.rows.emplace_back(TakeRow(in)).payload_bytes;
  for (auto count = in.Take<uint32_t>(); count > 0; --count) {
    auto& position = decoded.positions.emplace_back();
    position.producer = in.TakeText();
    position.split = in.TakeText();
    position.cursor = in.TakeText();
  }
  for (auto count = in.Take<uint32_t>(); count > 0; --count) {
    auto& key = decoded.keys.emplace_back();
    key.topic = in.Take<int64_t>();
    key.key = in.TakeText();
    key.at = in.Take<int64_t>();
  }
  if (in.left() != 0 || payload_bytes != header.payload_bytes) {
    throw Error(ErrorCode::kData, "an entry of the journal is not laid out as this program writes it");
  }
  return decoded;
}

}  // namespace millrace::stream
