#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "event/source.h"
#include "stream/embedded/batch_format.h"

namespace millrace::stream {

/// One commit of appends in the journal: what a segment file is made of. Frozen layout; numbers are little endian:
///
///   header    48 bytes:
///     0  u32 magic "MRJ1"     4  u32 CRC-32C of what follows it in the header, and of the meta
///     8  u64 stream           16 u64 sequence       the n-th entry of that stream, from 1
///     24 u32 chain            the checksum of the entry before; 0 for the first
///     28 u32 flags            1: its rows were moved here from another segment
///     32 u64 payload bytes    40 u32 meta bytes     44 u32 rows
///   meta      each row: i64 place, count, time_min, time_max, ingested_at, records_bytes, body_bytes; u32 codec,
///             checksum, payload bytes, 0. Then u32 positions, each three texts: producer, split, cursor.
///             Then u32 keys, each: i64 topic, text key, i64 at. A text is a u32 and its bytes.
///   payloads  of the rows, back to back
///
/// An entry counts only as the next of its chain, so that what a crash left behind a shorter one is not taken for it.
struct JournalHeader {
  static constexpr size_t kBytes = 48;
  uint32_t checksum = 0;
  uint64_t stream = 0;
  uint64_t sequence = 0;
  uint32_t chain = 0;
  bool moved = false;
  uint64_t payload_bytes = 0;
  uint32_t meta_bytes = 0;
  uint32_t rows = 0;

  uint64_t entry_bytes() const { return kBytes + meta_bytes + payload_bytes; }
};

struct JournalRow {
  int64_t place = 0;
  BatchNumbers numbers;
  uint32_t checksum = 0;
  uint32_t payload_bytes = 0;
};

struct JournalKey {
  int64_t topic = 0;
  std::string key;
  int64_t at = 0;  // microseconds since 1970
};

struct JournalPosition {
  std::string producer, split, cursor;
};

/// What an entry says besides its payloads.
struct JournalMeta {
  std::vector<JournalRow> rows;
  std::vector<JournalPosition> positions;
  std::vector<JournalKey> keys;
};

/// A meta of more bytes than this is not written: the group that it would be for is bounded well below it.
inline constexpr uint32_t kMetaBytesMax = uint32_t{1} << 28;

/// Header and meta, ready to be followed by `payload_bytes` of payloads. Sets what `header` lacks: the checksum and the
/// sizes.
std::string EncodeEntry(const JournalMeta& meta, JournalHeader& header);

/// nullopt: these are not the first bytes of an entry.
std::optional<JournalHeader> DecodeHeader(std::string_view bytes);
/// Error kData when `meta` is not what `header` was written with. `header_bytes` are the kBytes before it.
JournalMeta DecodeMeta(const JournalHeader& header, std::string_view header_bytes, std::string_view meta);

}  // namespace millrace::stream
