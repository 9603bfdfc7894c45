#include "stream/embedded/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "event/stream.h"
#include "stream/embedded/store.h"

namespace millrace::stream {
namespace {

/// Pieces of one more row, behind those of the rows before, which had `had` records; `all` records in the end.
void JoinSpans(const std::vector<event::Span>& more, const std::string& more_bytes, size_t had, size_t all,
               std::vector<event::Span>& spans, std::string& bytes) {
  if (more.empty() && spans.empty()) return;
  spans.resize(had);
  for (const auto& span : more) spans.push_back({static_cast<uint32_t>(span.begin + bytes.size()), span.size});
  spans.resize(all);
  bytes += more_bytes;
}

/// How often to look for what other processes appended.
constexpr std::chrono::milliseconds kPoll{20};

Timestamp FromMicros(int64_t micros) { return Timestamp(std::chrono::microseconds(micros)); }

Error Damaged(const std::string& topic, int32_t partition, int64_t offset, std::string_view what) {
  return {ErrorCode::kStop,
          fmt::format("topic {} partition {} offset {}: the stored batch is damaged ({}); restore stream.db and its "
                      "segments from a copy, or go on behind it with `millrace offsets set`",
                      topic, partition, offset, what)};
}

/// A row whose payload is not what the row says: it is damaged, unless retention took it after this reader saw the row.
struct UnreadableRow {
  int64_t place = 0;
  std::string what;
};

/// Whatever happens while a row of it is looked at.
class Resetting {
 public:
  explicit Resetting(Statement& statement) : statement_(statement) {}
  ~Resetting() { statement_.Reset(); }
  Resetting(const Resetting&) = delete;
  Resetting& operator=(const Resetting&) = delete;

 private:
  Statement& statement_;
};

}  // namespace

EmbeddedReader::EmbeddedReader(std::unique_ptr<Connection> connection, const SegmentFolder& segments,
                               GroupCommit& writer, ReaderIdentity identity, const Clock& clock)
    : connection_(std::move(connection)),
      payloads_(segments),
      writer_(writer),
      identity_(std::move(identity)),
      clock_(clock),
      refresh_(connection_->Prepare("SELECT part.id, part.number, part.first_offset, part.next_offset FROM part "
                                    "JOIN topic ON part.topic = topic.id WHERE topic.uuid = ? ORDER BY part.number")),
      plan_(connection_->Prepare(
          "SELECT place, count, time_min, time_max, ingested_at, records_bytes, body_bytes, codec, crc32c FROM batch "
          "WHERE place >= (SELECT max(place) FROM batch WHERE place <= ?) AND place < ? ORDER BY place")),
      load_(connection_->Prepare("SELECT payload, segment, payload_at, payload_bytes FROM batch WHERE place = ?")) {
  Seek({});
}

void EmbeddedReader::Refresh() {
  refresh_.Bind(0, identity_.topic_id);
  size_t count = 0;
  while (refresh_.Step()) {
    if (count == partitions_.size()) {
      const auto number = static_cast<int32_t>(refresh_.Int(1));
      partitions_.push_back({refresh_.Int(0), number, event::TopicSplit(identity_.topic_id, number), 0, 0, 0, true});
    }
    auto& partition = partitions_[count++];
    partition.first_offset = refresh_.Int(2);
    partition.next_offset = refresh_.Int(3);
  }
  refresh_.Reset();
  if (count == 0) {
    throw Error(ErrorCode::kStop,
                fmt::format("topic {} (id {}) was deleted while it was read; if it was made anew, start "
                            "again to read the new one from its beginning",
                            identity_.topic, identity_.topic_id));
  }
}

void EmbeddedReader::Seek(const event::Positions& positions) {
  open_.reset();
  Transaction snapshot(*connection_, Transaction::Kind::kRead);
  Refresh();
  auto registered = connection_->Prepare("SELECT next_offset FROM reader WHERE reader = ? AND part = ?");
  for (auto& partition : partitions_) {
    const auto it = positions.find(partition.split);
    partition.from_start = it == positions.end();
    if (!partition.from_start) {
      partition.position = event::OffsetOf(it->second);
      continue;
    }
    // The start is the oldest record there is, unless this reader was promised older ones.
    const auto start = identity_.options.starts.find(partition.split);
    if (start != identity_.options.starts.end()) {
      partition.position = event::OffsetOf(start->second);
      continue;
    }
    partition.position = partition.first_offset;
    if (registered.Bind(0, identity_.options.reader).Bind(1, partition.id).Step()) {
      partition.position = std::min(partition.position, registered.Int(0));
    }
    registered.Reset();
  }
}

event::EventBatchPtr EmbeddedReader::Over(Partition& partition, int64_t first, int64_t end, const std::string& told) {
  if (!identity_.options.land_gaps) {
    throw Error(ErrorCode::kStop, fmt::format("{} `on_gap: land` does so by itself, with a note in quarantine", told));
  }
  const int64_t next = partition.position == first ? end : first;
  auto batch = std::make_shared<event::EventBatch>();
  batch->payload = PaddedBuffer::Allocate(0);
  batch->base_offset = next;
  batch->ingested_at = clock_.Now();
  batch->gap = event::Gap{first, end, told};
  batch->split = partition.split;
  batch->begin = partition.from_start ? event::kStart : event::OffsetCursor(partition.position);
  batch->end = event::OffsetCursor(next);
  batch->topic = identity_.topic;
  batch->partition = partition.number;
  partition.position = next;
  partition.from_start = false;
  return batch;
}

event::EventBatchPtr EmbeddedReader::CheckGap(Partition& partition) {
  if (partition.position > partition.next_offset) {
    return Over(
        partition, partition.next_offset, partition.position,
        fmt::format("topic {} partition {}: the reader stands at offset {} and the stream ends at {}; stream.db "
                    "is older than what was read from it. Put the right file back, or use `millrace offsets "
                    "set`.",
                    identity_.topic, partition.number, partition.position, partition.next_offset));
  }
  if (partition.position >= partition.first_offset) return nullptr;
  auto gap =
      connection_->Prepare("SELECT max(dropped_at) FROM gap WHERE part = ? AND begin_offset < ? AND end_offset > ?");
  gap.Bind(0, partition.id).Bind(1, partition.first_offset).Bind(2, partition.position);
  const bool recorded = gap.Step() && !gap.IsNull(0);
  return Over(
      partition, partition.position, partition.first_offset,
      fmt::format("topic {} partition {}: records [{}, {}) are gone: retention{} dropped them before they were read. "
                  "Go on without them by `millrace offsets set`, and raise the topic's retention.",
                  identity_.topic, partition.number, partition.position, partition.first_offset,
                  recorded ? " by bytes, at " + FormatTimestamp(FromMicros(gap.Int(0))) + "," : ""));
}

event::ReadResult EmbeddedReader::Read(const event::ReadLimits& limits, std::stop_token stop) {
  const auto deadline = clock_.Steady() + limits.wait;
  while (!stop.stop_requested()) {
    const uint64_t seen = writer_.signal().value();
    if (auto batch = Next(limits.bytes_max)) return {event::ReadState::kBatch, std::move(batch)};
    const auto left = deadline - clock_.Steady();
    if (left <= std::chrono::nanoseconds(0)) break;
    writer_.signal().WaitBeyond(seen, std::min<std::chrono::nanoseconds>(left, kPoll), stop);
  }
  return {};
}

event::EventBatchPtr EmbeddedReader::Next(size_t bytes_max) {
  for (int64_t unreadable = -1;;) {
    try {
      return NextOfSnapshot(bytes_max);
    } catch (const UnreadableRow& row) {
      if (row.place == unreadable) {
        const auto id = row.place >> kOffsetBits;
        const auto partition = std::ranges::find(partitions_, id, &Partition::id);
        throw Damaged(identity_.topic, partition->number, OffsetAt(row.place), row.what);
      }
      unreadable = row.place;
    }
  }
}

event::EventBatchPtr EmbeddedReader::NextOfSnapshot(size_t bytes_max) {
  Transaction snapshot(*connection_, Transaction::Kind::kRead);
  Refresh();
  for (size_t i = 0; i < partitions_.size(); ++i) {
    auto& partition = partitions_[(turn_ + i) % partitions_.size()];
    if (auto gap = CheckGap(partition)) return gap;
    if (partition.position == partition.next_offset) continue;
    // An open row is used up before the turn passes, so that it is unpacked once.
    if (open_ && open_->partition_id != partition.id) continue;
    auto batch = ReadPartition(partition, bytes_max);
    turn_ = (turn_ + i + (open_ ? 0 : 1)) % partitions_.size();
    return batch;
  }
  return nullptr;
}

event::EventBatchPtr EmbeddedReader::ReadPartition(Partition& partition, size_t bytes_max) {
  std::shared_ptr<event::EventBatch> batch;
  if (!open_) {
    auto rows = PlanRows(partition, bytes_max);
    const auto& first = rows.front();
    if (OffsetAt(first.place) == partition.position && static_cast<size_t>(first.batch.records_bytes) <= bytes_max) {
      batch = JoinRows(std::move(rows));
    } else {
      Open(partition, first);
    }
  }
  if (open_) batch = PieceOfOpenRow(partition, bytes_max);
  batch->base_offset = partition.position;
  batch->split = partition.split;
  batch->topic = identity_.topic;
  batch->partition = partition.number;
  batch->begin = partition.from_start ? event::kStart : event::OffsetCursor(partition.position);
  partition.position += static_cast<int64_t>(batch->size());
  partition.from_start = false;
  batch->end = event::OffsetCursor(partition.position);
  return batch;
}

std::vector<EmbeddedReader::Row> EmbeddedReader::PlanRows(const Partition& partition, size_t bytes_max) {
  std::vector<Row> rows;
  size_t bytes = 0;
  int64_t expected = partition.position;
  plan_.Bind(0, PlaceOf(partition.id, partition.position)).Bind(1, PlaceOf(partition.id + 1, 0));
  while (plan_.Step()) {
    Row row{plan_.Int(0), {}, static_cast<uint32_t>(plan_.Int(8))};
    row.batch.count = plan_.Int(1);
    row.batch.time_min = FromMicros(plan_.Int(2));
    row.batch.time_max = FromMicros(plan_.Int(3));
    row.batch.ingested_at = FromMicros(plan_.Int(4));
    row.batch.records_bytes = plan_.Int(5);
    row.batch.body_bytes = plan_.Int(6);
    row.batch.codec = static_cast<Codec>(plan_.Int(7));
    const int64_t base = OffsetAt(row.place);
    const bool in_place =
        rows.empty() ? row.place >= PlaceOf(partition.id, 0) && base + row.batch.count > expected : base == expected;
    const bool sound = row.batch.count > 0 && row.batch.records_bytes >= row.batch.count &&
                       row.batch.body_bytes > row.batch.records_bytes &&
                       row.batch.body_bytes <= std::numeric_limits<uint32_t>::max();
    if (!in_place || !sound) break;  // what stands before it is handed out first; then it is an error
    bytes += static_cast<size_t>(row.batch.records_bytes);
    if (!rows.empty() && (bytes > bytes_max || row.batch.ingested_at != rows.front().batch.ingested_at)) break;
    expected = base + row.batch.count;
    rows.push_back(row);
    if (bytes >= bytes_max) break;
  }
  plan_.Reset();
  if (rows.empty()) throw Damaged(identity_.topic, partition.number, expected, "its row is missing or out of place");
  return rows;
}

std::string_view EmbeddedReader::LoadPayload(const Row& row) {
  if (!load_.Bind(0, row.place).Step()) throw UnreadableRow{row.place, "its row is missing"};
  if (load_.IsNull(1)) return load_.Blob(0);
  try {
    return payloads_.Read(load_.Int(1), load_.Int(2), static_cast<size_t>(load_.Int(3)));
  } catch (const DiskFailure&) {
    throw;
  } catch (const Error& error) {
    throw UnreadableRow{row.place, error.message()};
  }
}

BodyIndex EmbeddedReader::LoadBody(const Row& row, char* body) {
  const Resetting reset(load_);
  const auto payload = LoadPayload(row);
  if (Checksum(row.batch, payload, OffsetAt(row.place)) != row.crc) {
    throw UnreadableRow{row.place, "its checksum differs"};
  }
  try {
    UnpackBody(row.batch, payload, body);
    auto index = ReadBodyIndex(row.batch, {body, static_cast<size_t>(row.batch.body_bytes)});
    if (!identity_.options.headers) {
      index.headers.clear();
      index.header_bytes.clear();
    }
    return index;
  } catch (const Error& error) {
    throw UnreadableRow{row.place, error.message()};
  }
}

std::shared_ptr<event::EventBatch> EmbeddedReader::JoinRows(std::vector<Row> rows) {
  size_t capacity = 0;
  size_t records = 0;
  for (const auto& row : rows) capacity += static_cast<size_t>(row.batch.records_bytes);
  size_t room = 0;  // a row's index is unpacked behind its records and then overwritten by the next row
  size_t before = 0;
  for (const auto& row : rows) {
    room = std::max(room, before + static_cast<size_t>(row.batch.body_bytes));
    before += static_cast<size_t>(row.batch.records_bytes);
    records += static_cast<size_t>(row.batch.count);
  }
  auto payload = PaddedBuffer::Allocate(std::max(capacity, room));
  auto batch = std::make_shared<event::EventBatch>();
  batch->ingested_at = rows.front().batch.ingested_at;
  batch->records.reserve(records);
  std::string key_bytes;
  std::string header_bytes;
  size_t used = 0;
  for (const auto& row : rows) {
    auto index = LoadBody(row, payload->data() + used);
    if (batch->records.empty()) {
      batch->newline_joined = index.newline_free;
    } else if (batch->newline_joined != index.newline_free) {
      break;
    }
    const size_t had = batch->records.size();
    for (const auto& span : index.records)
      batch->records.push_back({static_cast<uint32_t>(span.begin + used), span.size});
    JoinSpans(index.keys, index.key_bytes, had, batch->records.size(), batch->keys, key_bytes);
    JoinSpans(index.headers, index.header_bytes, had, batch->records.size(), batch->headers, header_bytes);
    if (!index.times.empty() || !batch->timestamps.empty()) {
      batch->timestamps.resize(had, batch->ingested_at);
      batch->timestamps.insert(batch->timestamps.end(), index.times.begin(), index.times.end());
      batch->timestamps.resize(batch->records.size(), batch->ingested_at);
    }
    used += static_cast<size_t>(row.batch.records_bytes);
  }
  payload->Resize(used);
  batch->payload = std::move(payload);
  if (!batch->keys.empty()) batch->key_payload = PaddedBuffer::CopyOf(key_bytes);
  if (!batch->headers.empty()) batch->header_payload = PaddedBuffer::CopyOf(header_bytes);
  return batch;
}

void EmbeddedReader::Open(const Partition& partition, const Row& row) {
  auto payload = PaddedBuffer::Allocate(static_cast<size_t>(row.batch.body_bytes));
  auto index = LoadBody(row, payload->data());
  payload->Resize(static_cast<size_t>(row.batch.records_bytes));
  open_ = OpenRow{partition.id, OffsetAt(row.place), row.batch.ingested_at, std::move(payload), std::move(index)};
}

std::shared_ptr<event::EventBatch> EmbeddedReader::PieceOfOpenRow(const Partition& partition, size_t bytes_max) {
  const auto& index = open_->index;
  const auto first = static_cast<size_t>(partition.position - open_->base_offset);
  const size_t begin = index.records[first].begin;
  size_t last = first;
  const auto end_of = [&](size_t i) { return size_t{index.records[i].begin} + index.records[i].size + 1; };
  while (last + 1 < index.records.size() && end_of(last + 1) - begin <= bytes_max) ++last;

  auto batch = std::make_shared<event::EventBatch>();
  batch->ingested_at = open_->ingested_at;
  batch->newline_joined = index.newline_free;
  batch->payload = PaddedBuffer::CopyOf({open_->payload->data() + begin, end_of(last) - begin});
  for (size_t i = first; i <= last; ++i) {
    batch->records.push_back({static_cast<uint32_t>(index.records[i].begin - begin), index.records[i].size});
  }
  const auto piece = [&](const auto& from, auto& to) {
    to.assign(from.begin() + static_cast<std::ptrdiff_t>(first), from.begin() + static_cast<std::ptrdiff_t>(last) + 1);
  };
  if (!index.keys.empty()) {
    batch->key_payload = PaddedBuffer::CopyOf(index.key_bytes);
    piece(index.keys, batch->keys);
  }
  if (!index.headers.empty()) {
    batch->header_payload = PaddedBuffer::CopyOf(index.header_bytes);
    piece(index.headers, batch->headers);
  }
  if (!index.times.empty()) piece(index.times, batch->timestamps);
  if (last + 1 == index.records.size()) open_.reset();
  return batch;
}

void EmbeddedReader::Acknowledge(const event::Positions& positions) {
  if (identity_.options.reader.empty()) return;
  std::map<int32_t, int64_t> next_offsets;
  for (const auto& partition : partitions_) {
    const auto it = positions.find(partition.split);
    if (it != positions.end()) next_offsets[partition.number] = event::OffsetOf(it->second);
  }
  if (next_offsets.empty()) return;
  FaultPoint("stream.before_acknowledge");
  writer_.Run([&](Ledger& ledger) { ledger.Acknowledge(identity_.options.reader, identity_.topic_id, next_offsets); },
              0, DurableBy::kDatabase);
  FaultPoint("stream.after_acknowledge");
}

event::Lag EmbeddedReader::lag() {
  Transaction snapshot(*connection_, Transaction::Kind::kRead);
  Refresh();
  event::Lag lag;
  lag.bytes = -1;
  auto oldest = connection_->Prepare(
      "SELECT ingested_at FROM batch WHERE place = (SELECT max(place) FROM batch WHERE place <= ?)");
  for (const auto& partition : partitions_) {
    const int64_t behind = partition.next_offset - std::max(partition.position, partition.first_offset);
    auto& of_partition = lag.partitions.emplace_back();
    of_partition.partition = partition.number;
    if (behind <= 0) continue;
    lag.records += behind;
    of_partition.records = behind;
    if (oldest.Bind(0, PlaceOf(partition.id, partition.next_offset - behind)).Step()) {
      const auto at = FromMicros(oldest.Int(0));
      lag.oldest = lag.oldest ? std::min(*lag.oldest, at) : at;
      of_partition.oldest = at;
    }
    oldest.Reset();
  }
  return lag;
}

}  // namespace millrace::stream
