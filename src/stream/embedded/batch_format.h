#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "event/event_batch.h"

namespace millrace::stream {

/// How a payload is packed. Stored: frozen.
enum class Codec : int64_t { kNone = 1, kZstd = 2, kLz4 = 3 };

/// The numbers of a row of the `batch` table, besides its place. Frozen layout of the body, which `payload` holds
/// packed by `codec`:
///
///   records   record '\n' record '\n' ...                     records_bytes bytes
///   flags     1 byte: 1 no record holds a raw newline, 2 keys follow, 4 times follow, 8 headers follow
///   sizes     varint of each record's size, without its '\n'
///   [keys]    varint of each key's size (0: no key), then the keys back to back
///   [times]   zigzag varint of each record's time minus the one before it; the first minus ingested_at; microseconds
///   [headers] varint of each record's size of headers (0: none), then those back to back (event/record_headers.h)
///
/// Records come first and joined, so that a reader unpacks into its payload buffer and has them in place: the rest,
/// once read, is cut off.
struct BatchNumbers {
  int64_t count = 0;
  Timestamp time_min{};
  Timestamp time_max{};
  Timestamp ingested_at{};
  int64_t records_bytes = 0;
  int64_t body_bytes = 0;
  Codec codec = Codec::kNone;
};

struct StoredBatch {
  BatchNumbers numbers;
  std::string payload;
};

/// Over the payload and every number beside it, the place included: a row that strayed is found too.
uint32_t Checksum(const BatchNumbers& batch, std::string_view payload, int64_t base_offset);

/// Those records of a batch that go to one partition.
struct Slice {
  const event::EventBatch* events = nullptr;
  Timestamp ingested_at{};       // in place of the one of `events`
  std::vector<uint32_t> chosen;  // ignored when `whole`
  bool whole = false;
  bool newline_free = false;  // no record holds a raw newline

  size_t size() const { return whole ? events->size() : chosen.size(); }
  size_t index(size_t i) const { return whole ? i : chosen[i]; }
  /// Of record `at` of `events`.
  Timestamp time(size_t at) const { return events->timestamps.empty() ? ingested_at : events->timestamps[at]; }
};

/// Collects records of one partition into one StoredBatch. Single-threaded; starts over after Finish.
class BatchBuilder {
 public:
  /// Takes the records `first` and on of `slice` until `records_bytes_max` is reached. Returns how many it took, at
  /// least one when the builder was empty; 0 when they cannot share a row with what is there.
  size_t Add(const Slice& slice, size_t first, size_t records_bytes_max);

  bool empty() const { return sizes_.empty(); }
  size_t size() const { return sizes_.size(); }

  StoredBatch Finish();

 private:
  /// Records that lie back to back already, taken by one copy. 0: they do not.
  size_t AddRun(const Slice& slice, size_t first, size_t room);
  void AddRecord(const Slice& slice, size_t index);

  std::string records_;
  std::vector<uint32_t> sizes_;
  std::vector<uint32_t> key_sizes_;
  std::string keys_;
  std::vector<uint32_t> header_sizes_;
  std::string headers_;
  std::vector<Timestamp> times_;
  Timestamp ingested_at_{};
  bool newline_free_ = true;
};

/// What a body holds besides its records. Spans are relative to the body's first byte.
struct BodyIndex {
  bool newline_free = false;
  std::vector<event::Span> records;
  std::vector<event::Span> keys;  // empty: none has one; spans into key_bytes
  std::string key_bytes;
  std::vector<Timestamp> times;      // empty: all ingested_at
  std::vector<event::Span> headers;  // empty: none has any; spans into header_bytes
  std::string header_bytes;
};

/// Unpacks `payload` into `body`, which has room for batch.body_bytes. Error kData when it does not unpack to that.
void UnpackBody(const BatchNumbers& batch, std::string_view payload, char* body);

/// Reads what follows the records in a body. Error kData when it is not what BatchBuilder makes.
BodyIndex ReadBodyIndex(const BatchNumbers& batch, std::string_view body);

}  // namespace millrace::stream
