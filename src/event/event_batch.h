#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "event/position.h"

namespace millrace::event {

/// Where one record's bytes lie in a payload.
struct Span {
  uint32_t begin = 0;
  uint32_t size = 0;
};

/// Records that nobody can read any more, [first_offset, end_offset) of a split: retention dropped them before their
/// turn came. A source hands one on only where a person has said that the pipeline shall go on without them.
struct Gap {
  int64_t first_offset = 0;
  int64_t end_offset = 0;
  std::string why;  // for a person
};

/// Records of one split, in order, contiguous: it covers exactly [begin, end). Immutable once handed on, shared by
/// pointer. Records are not copied one by one: they are spans of one padded payload. A batch may have no records: then
/// only the position moves, past something that holds none.
struct EventBatch {
  std::shared_ptr<const PaddedBuffer> payload;
  std::vector<Span> records;
  /// True when the records lie back to back in `payload`, each followed by one '\n': the decoder may then
  /// parse the payload as one stream of documents. Blank lines between records are allowed.
  bool newline_joined = false;

  /// Keys: empty, or one span a record into `key_payload` (size 0: no key).
  std::shared_ptr<const PaddedBuffer> key_payload;
  std::vector<Span> keys;

  /// Headers, as record_headers.h reads them: empty, or one span a record into `header_payload` (size 0: no headers).
  std::shared_ptr<const PaddedBuffer> header_payload;
  std::vector<Span> headers;

  /// One number a record that is unique and rising within the split (a stream's offset, a file's byte offset);
  /// empty: base_offset + index.
  std::vector<int64_t> offsets;
  int64_t base_offset = 0;

  /// Event times as the producer gave them, one a record; empty: ingested_at.
  std::vector<Timestamp> timestamps;
  /// When this program, or the stream before it, took the batch. Stored with it, so a replay sees the same.
  Timestamp ingested_at{};
  /// The stream keeps one time a record: each came in at its own timestamp, and ingested_at is that of the first.
  bool arrived_one_by_one = false;

  SplitId split;
  Cursor begin;
  Cursor end;
  /// What is missing between `begin` and the first record, or `end` where there is none.
  std::optional<Gap> gap;
  /// Topic or source name, for people and for `_topic`.
  std::string topic;
  int32_t partition = 0;

  size_t size() const { return records.size(); }
  std::string_view record(size_t i) const { return {payload->data() + records[i].begin, records[i].size}; }
  std::string_view key(size_t i) const {
    return keys.empty() ? std::string_view{} : std::string_view{key_payload->data() + keys[i].begin, keys[i].size};
  }
  std::string_view header_block(size_t i) const {
    return headers.empty() ? std::string_view{}
                           : std::string_view{header_payload->data() + headers[i].begin, headers[i].size};
  }
  int64_t offset(size_t i) const { return offsets.empty() ? base_offset + static_cast<int64_t>(i) : offsets[i]; }
  Timestamp timestamp(size_t i) const { return timestamps.empty() ? ingested_at : timestamps[i]; }
  Timestamp arrival(size_t i) const { return arrived_one_by_one ? timestamp(i) : ingested_at; }
  /// What it costs a byte budget.
  int64_t bytes() const {
    return static_cast<int64_t>((payload ? payload->capacity() : 0) + (key_payload ? key_payload->capacity() : 0) +
                                (header_payload ? header_payload->capacity() : 0) +
                                (records.capacity() + keys.capacity() + headers.capacity()) * sizeof(Span) +
                                offsets.capacity() * sizeof(int64_t) + timestamps.capacity() * sizeof(Timestamp));
  }
};

using EventBatchPtr = std::shared_ptr<const EventBatch>;

}  // namespace millrace::event
