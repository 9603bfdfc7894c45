#include "stream/kinesis/shard_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "event/stream.h"
#include "stream/kinesis/aggregate.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;

// A shard answers five times a second.
constexpr milliseconds kBetweenFetches{205};
constexpr milliseconds kTroubleWaitMax{5'000};
constexpr int kRecordsMax = 10'000;

}  // namespace

ShardReader::ShardReader(const ShardReading& reading, Shard shard, event::Cursor landed, const ShardPlace& place)
    : reading_(reading),
      shard_(std::move(shard)),
      place_(place),
      begin_(std::move(landed)),
      verified_(place.at != ShardPlace::At::kSequence) {}

void ShardReader::Wait(const std::string& why) {
  trouble_ = fmt::format("shard {}: {}", shard_.number, why);
  const auto wait = std::min(kBetweenFetches * (1 << std::min(troubles_++, 5)), kTroubleWaitMax);
  due_ = reading_.clock.Steady() + wait;
}

void ShardReader::Fetch() {
  const auto began = reading_.clock.Steady();
  try {
    if (iterator_.empty()) {
      auto iterator = reading_.client.Iterator(reading_.stream, shard_.id, place_);
      if (!iterator) return Wait("Kinesis has it no more");
      iterator_ = *std::move(iterator);
      verified_ = place_.at != ShardPlace::At::kSequence;
    }
    auto fetched = reading_.client.Records(iterator_, records_max_);
    if (!fetched) return Wait("Kinesis has it no more");
    if (fetched->expired) {
      iterator_.clear();
      due_ = began;
      return;
    }
    Keep(*std::move(fetched), began);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    Wait(error.message());
  }
}

void ShardReader::Keep(Fetched fetched, SteadyTime began) {
  FaultPoint("kinesis.fetched");
  trouble_.clear();
  troubles_ = 0;
  iterator_ = std::move(fetched.next_iterator);
  ended_ = iterator_.empty();
  behind_ = fetched.behind;
  const bool nothing = fetched.records.empty() && fetched.behind.count() == 0;
  if (!nothing)
    empty_since_.reset();
  else if (!empty_since_ || began > *empty_since_)
    empty_since_ = began;
  due_ = began + (nothing ? std::max(reading_.poll, kBetweenFetches) : kBetweenFetches);
  int64_t bytes = 0;
  for (auto& record : fetched.records) {
    bytes += static_cast<int64_t>(record.data.size() + record.key.size());
    size_t skip = 0;
    if (!std::exchange(verified_, true)) {
      if (IsWhereItStands(record)) {
        if (!place_.taken) continue;
        skip = *place_.taken;
      } else {
        Lose({.at = ShardPlace::At::kSequence, .sequence = record.sequence, .taken = 0});
      }
    }
    Unpack(std::move(record), skip);
  }
  if (ended_ && !std::exchange(verified_, true)) Lose({.at = ShardPlace::At::kEnd});
  if (bytes > 0) {
    const int64_t each = bytes / static_cast<int64_t>(fetched.records.size()) + 1;
    records_max_ = static_cast<int>(std::clamp<int64_t>(reading_.answer_bytes / each, 10, kRecordsMax));
  }
}

bool ShardReader::IsWhereItStands(const FetchedRecord& first) const { return first.sequence == place_.sequence; }

void ShardReader::Unpack(FetchedRecord&& fetched, size_t skip) {
  auto packed = stream::Unpack(fetched.data);
  if (packed.empty()) {
    if (skip == 0) {
      records_.push_back({std::move(fetched.data), std::move(fetched.key), fetched.arrival, std::move(fetched.sequence),
                          std::nullopt});
    }
    return;
  }
  for (size_t i = skip; i < packed.size(); ++i) {
    const bool last = i + 1 == packed.size();
    records_.push_back({std::move(packed[i].data), std::move(packed[i].key), fetched.arrival, fetched.sequence,
                        last ? std::nullopt : std::optional(static_cast<uint32_t>(i + 1))});
  }
}

void ShardReader::Lose(const ShardPlace& next) {
  auto told = fmt::format(
      "topic {} partition {}: the record at sequence number {}, behind which offset {} comes, is gone: retention took "
      "it, "
      "and perhaps records that followed it. Go on with the oldest there is by `millrace offsets set TABLE "
      "{}={}@oldest`, and raise the stream's retention.",
      reading_.topic, shard_.number, place_.sequence, place_.ordinal, shard_.number, place_.ordinal);
  if (!reading_.land_gaps) {
    throw Error(ErrorCode::kStop, fmt::format("{} `on_gap: land` does so by itself, with a note in quarantine", told));
  }
  gap_ = Lost{{.first_offset = place_.ordinal, .end_offset = place_.ordinal + 1, .why = std::move(told)}, next};
  gap_->next.ordinal = place_.ordinal + 1;
}

void ShardReader::Vanish() {
  if (vanished_ || HasRecords()) return;  // those come first
  vanished_ = true;
  if (Finished()) return;
  ended_ = true;
  trouble_.clear();
  if (place_.at == ShardPlace::At::kSequence) Lose({.at = ShardPlace::At::kEnd});
}

std::shared_ptr<event::EventBatch> ShardReader::NewBatch() const {
  auto batch = std::make_shared<event::EventBatch>();
  batch->ingested_at = reading_.clock.Now();
  batch->split = event::TopicSplit(reading_.topic_id, shard_.number);
  batch->topic = reading_.topic;
  batch->partition = shard_.number;
  return batch;
}

event::EventBatchPtr ShardReader::Moved(std::shared_ptr<event::EventBatch> batch, const ShardPlace& to) {
  if (!batch->payload) batch->payload = PaddedBuffer::Allocate(0);
  batch->base_offset = batch->size() > 0 ? place_.ordinal : to.ordinal;
  batch->begin = begin_;
  place_ = to;
  batch->end = begin_ = CursorAt(place_);
  return batch;
}

event::EventBatchPtr ShardReader::Take(size_t bytes_max) {
  if (gap_) {
    auto batch = NewBatch();
    batch->gap = std::move(gap_->gap);
    const auto next = gap_->next;
    gap_.reset();
    return Moved(std::move(batch), next);
  }
  if (!records_.empty()) return Joined(bytes_max);
  FaultPoint("kinesis.shard_ended");
  return Moved(NewBatch(), {.ordinal = place_.ordinal, .at = ShardPlace::At::kEnd});
}

event::EventBatchPtr ShardReader::Joined(size_t bytes_max) {
  size_t count = 0, bytes = 0, key_bytes = 0;
  while (count < records_.size() && (count == 0 || bytes + records_[count].data.size() < bytes_max)) {
    bytes += records_[count].data.size() + 1;
    key_bytes += records_[count++].key.size();
  }
  auto batch = NewBatch();
  auto payload = PaddedBuffer::Allocate(bytes);
  auto keys = PaddedBuffer::Allocate(key_bytes);
  batch->newline_joined = true;
  uint32_t at = 0, key_at = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto& record = records_[i];
    batch->newline_joined = batch->newline_joined && record.data.find('\n') == std::string::npos;
    std::ranges::copy(record.data, payload->data() + at);
    std::ranges::copy(record.key, keys->data() + key_at);
    batch->records.push_back({at, static_cast<uint32_t>(record.data.size())});
    batch->keys.push_back({key_at, static_cast<uint32_t>(record.key.size())});
    batch->timestamps.push_back(record.arrival);
    at += static_cast<uint32_t>(record.data.size());
    payload->data()[at++] = '\n';
    key_at += static_cast<uint32_t>(record.key.size());
  }
  payload->Resize(bytes);
  keys->Resize(key_bytes);
  batch->payload = std::move(payload);
  batch->key_payload = std::move(keys);
  batch->ingested_at = batch->timestamps.front();
  batch->arrived_one_by_one = true;
  const auto& last = records_[count - 1];
  const ShardPlace to{.ordinal = place_.ordinal + static_cast<int64_t>(count),
                      .at = ShardPlace::At::kSequence,
                      .sequence = last.sequence,
                      .taken = last.taken};
  records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(count));
  return Moved(std::move(batch), to);
}

}  // namespace millrace::stream
