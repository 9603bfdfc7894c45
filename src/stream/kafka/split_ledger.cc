#include "stream/kafka/split_ledger.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <limits>

#include "event/stream.h"

namespace millrace::stream {
namespace {

constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

template <typename T>
std::vector<T> Part(const std::vector<T>& all, size_t first, size_t last) {
  if (all.empty()) return {};
  return {all.begin() + static_cast<std::ptrdiff_t>(first), all.begin() + static_cast<std::ptrdiff_t>(last)};
}

Timestamp Earlier(const std::optional<Timestamp>& one, Timestamp other) { return one ? std::min(*one, other) : other; }

/// Records [first, last) of a batch, copied.
std::shared_ptr<event::EventBatch> PartOf(const event::EventBatch& batch, size_t first, size_t last) {
  auto part = std::make_shared<event::EventBatch>(batch);
  const size_t begin = batch.records[first].begin;
  const size_t end = size_t{batch.records[last - 1].begin} + batch.records[last - 1].size + 1;
  part->payload = PaddedBuffer::CopyOf({batch.payload->data() + begin, end - begin});
  part->records = Part(batch.records, first, last);
  for (auto& span : part->records) span.begin -= static_cast<uint32_t>(begin);
  part->keys = Part(batch.keys, first, last);
  part->headers = Part(batch.headers, first, last);
  part->offsets = Part(batch.offsets, first, last);
  part->timestamps = Part(batch.timestamps, first, last);
  part->base_offset = batch.offset(first);
  if (batch.arrived_one_by_one) part->ingested_at = batch.timestamp(first);
  return part;
}

}  // namespace

std::pair<event::EventBatchPtr, event::EventBatchPtr> SplitBatch(const event::EventBatch& batch, size_t bytes_max) {
  const auto end_of = [&](size_t i) { return size_t{batch.records[i].begin} + batch.records[i].size + 1; };
  size_t count = 1;
  while (count < batch.size() && end_of(count) <= bytes_max) ++count;
  auto first = PartOf(batch, 0, count);
  auto rest = PartOf(batch, count, batch.size());
  first->end = rest->begin = event::OffsetCursor(batch.offset(count - 1) + 1);
  return {std::move(first), std::move(rest)};
}

SplitLedger::Split* SplitLedger::Find(const TopicPartition& place) {
  const auto found = splits_.find(place);
  return found == splits_.end() ? nullptr : &found->second;
}

const SplitLedger::Split* SplitLedger::Find(const TopicPartition& place) const {
  const auto found = splits_.find(place);
  return found == splits_.end() ? nullptr : &found->second;
}

// ---- partitions come and go

void SplitLedger::Add(const std::vector<TopicPartition>& places) {
  for (const auto& place : places) splits_[place] = Split{};
}

void SplitLedger::Unplace(const TopicPartition& place, Split& split, const std::string& topic_id) {
  DropQueued(place);
  split = Split{};
  split.phase = Phase::kUnplaced;
  split.topic_id = topic_id;
  split.id = event::TopicSplit(topic_id, place.partition);
  reassigned_ = true;
}

std::vector<TopicPartition> SplitLedger::Name(const DescribedTopic& topic) {
  std::vector<TopicPartition> stopped;
  std::vector<TopicPartition> gone;
  for (auto& [place, split] : splits_) {
    if (place.topic != topic.name || split.topic_id == topic.id || split.leaving) continue;
    if (split.phase == Phase::kFetched || split.phase == Phase::kDue) stopped.push_back(place);
    if (place.partition < topic.partitions) {
      Unplace(place, split, topic.id);
    } else if (!split.topic_id.empty()) {
      gone.push_back(place);
    }
  }
  Forget(gone);
  return stopped;
}

void SplitLedger::Leave(const std::vector<TopicPartition>& places) {
  for (const auto& place : places) {
    Split* split = Find(place);
    if (split == nullptr) continue;
    DropQueued(place);
    split->leaving = true;
    split->settled = split->handed == split->acknowledged;
    reassigned_ = reassigned_ || !split->settled;
  }
}

bool SplitLedger::LeaversSettled() const {
  return std::ranges::all_of(splits_, [](const auto& entry) {
    const Split& split = entry.second;
    return !split.leaving || split.settled || split.handed == split.acknowledged;
  });
}

std::vector<TopicPartition> SplitLedger::leavers() const {
  std::vector<TopicPartition> leaving;
  for (const auto& [place, split] : splits_) {
    if (split.leaving) leaving.push_back(place);
  }
  return leaving;
}

void SplitLedger::Forget(const std::vector<TopicPartition>& places) {
  for (const auto& place : places) {
    const Split* split = Find(place);
    if (split == nullptr) continue;
    // The driver holds records of it that others may land too: it had better look.
    if (!split->settled || split->handed != split->acknowledged) reassigned_ = true;
    DropQueued(place);
    splits_.erase(place);
  }
}

std::vector<TopicPartition> SplitLedger::places() const {
  std::vector<TopicPartition> all;
  for (const auto& [place, split] : splits_) all.push_back(place);
  return all;
}

std::vector<TopicPartition> SplitLedger::fetched() const {
  std::vector<TopicPartition> fetched;
  for (const auto& [place, split] : splits_) {
    if (split.phase == Phase::kFetched && !split.leaving) fetched.push_back(place);
  }
  return fetched;
}

std::set<std::string> SplitLedger::unnamed() const {
  std::set<std::string> topics;
  for (const auto& [place, split] : splits_) {
    if (split.phase == Phase::kUnnamed) topics.insert(place.topic);
  }
  return topics;
}

std::set<std::string> SplitLedger::topics() const {
  std::set<std::string> topics;
  for (const auto& [place, split] : splits_) topics.insert(place.topic);
  return topics;
}

// ---- where to fetch

std::map<TopicPartition, SplitLedger::Placement> SplitLedger::Due() const {
  std::map<TopicPartition, Placement> due;
  for (const auto& [place, split] : splits_) {
    if (split.phase != Phase::kDue || split.leaving) continue;
    due[place] = {split.next < 0 ? RD_KAFKA_OFFSET_BEGINNING : split.next, split.serial};
  }
  return due;
}

void SplitLedger::Placed(const std::map<TopicPartition, Placement>& placements) {
  for (const auto& [place, placement] : placements) {
    Split* split = Find(place);
    if (split != nullptr && split->phase == Phase::kDue && split->serial == placement.serial)
      split->phase = Phase::kFetched;
  }
}

void SplitLedger::FetchAgain(const TopicPartition& place) {
  Split* split = Find(place);
  if (split == nullptr || split->phase != Phase::kFetched) return;
  split->phase = Phase::kDue;
  split->serial = ++serial_;
}

void SplitLedger::FetchAllAgain() {
  for (auto& [place, split] : splits_) {
    if (split.leaving || split.phase == Phase::kUnnamed || split.phase == Phase::kUnplaced) continue;
    DropQueued(place);
    Place(split, split.handed);
  }
}

// ---- records

int64_t SplitLedger::Wanted(const TopicPartition& place) const {
  const Split* split = Find(place);
  if (split == nullptr || split->phase != Phase::kFetched || split->leaving) return kNone;
  return split->next;
}

void SplitLedger::Enqueue(const TopicPartition& place, Split& split, event::EventBatchPtr batch,
                          Reservation reservation) {
  split.queued = batch->end;
  queued_bytes_ += batch->bytes();
  queue_.push_back({place, std::move(batch), std::move(reservation)});
}

void SplitLedger::Push(FetchedRun run, Reservation reservation) {
  if (Wanted(run.place) > run.first_offset) return;
  Split& split = splits_[run.place];
  run.batch->split = split.id;
  run.batch->begin = split.queued;
  run.batch->end = event::OffsetCursor(run.last_offset + 1);
  split.next = run.last_offset + 1;
  split.newest = run.batch->timestamps.back();
  unconfirmed_[{run.place.topic, split.topic_id}].insert(run.brokers.begin(), run.brokers.end());
  Enqueue(run.place, split, std::move(run.batch), std::move(reservation));
}

void SplitLedger::PushPosition(const TopicPartition& place, int64_t offset) {
  if (Wanted(place) >= offset) return;
  Split& split = splits_[place];
  auto batch = Without(place, split, offset);
  split.next = offset;
  if (batch->begin != batch->end) Enqueue(place, split, std::move(batch), {});
}

std::optional<int64_t> SplitLedger::StuckAt(const TopicPartition& place) const {
  const Split* split = Find(place);
  if (split == nullptr || split->phase != Phase::kFetched || split->leaving || split->next < 0) return std::nullopt;
  return split->next;
}

std::shared_ptr<event::EventBatch> SplitLedger::Without(const TopicPartition& place, const Split& split, int64_t next) {
  auto batch = std::make_shared<event::EventBatch>();
  batch->payload = PaddedBuffer::Allocate(0);
  batch->base_offset = next;
  batch->split = split.id;
  batch->begin = split.queued;
  batch->end = event::OffsetCursor(next);
  batch->topic = place.topic;
  batch->partition = place.partition;
  return batch;
}

void SplitLedger::PushGap(const TopicPartition& place, event::Gap gap, int64_t next, Timestamp now) {
  Split* split = Find(place);
  if (split == nullptr) return;
  split->next = next;
  split->phase = Phase::kDue;
  split->serial = ++serial_;
  auto batch = Without(place, *split, next);
  batch->ingested_at = now;
  batch->gap = std::move(gap);
  Enqueue(place, *split, std::move(batch), {});
}

event::EventBatchPtr SplitLedger::Pop(size_t bytes_max) {
  if (queue_.empty()) return nullptr;
  Queued& front = queue_.front();
  event::EventBatchPtr batch = front.batch;
  queued_bytes_ -= batch->bytes();
  if (batch->size() > 1 && batch->payload->size() > bytes_max) {
    auto [first, rest] = SplitBatch(*batch, bytes_max);
    batch = std::move(first);
    queued_bytes_ += rest->bytes();
    front.batch = std::move(rest);
    splits_[front.place].handed = batch->end;
    return batch;
  }
  splits_[front.place].handed = batch->end;
  queue_.pop_front();
  return batch;
}

void SplitLedger::DropQueued(const TopicPartition& place) {
  std::erase_if(queue_, [&](const Queued& queued) {
    if (queued.place != place) return false;
    queued_bytes_ -= queued.batch->bytes();
    return true;
  });
  if (Split* split = Find(place)) split->queued = split->handed;
}

// ---- the driver

void SplitLedger::Place(Split& split, const event::Cursor& cursor) {
  split.handed = split.queued = cursor;
  split.next = cursor == event::kStart ? -1 : event::OffsetOf(cursor);
  const auto start = starts_.find(split.id);
  if (cursor == event::kStart && start != starts_.end()) split.next = event::OffsetOf(start->second);
  split.phase = Phase::kDue;
  split.serial = ++serial_;
}

void SplitLedger::Seek(const event::Positions& positions) {
  reassigned_ = false;
  for (auto& [place, split] : splits_) {
    if (split.phase == Phase::kUnnamed) continue;
    if (split.leaving) {
      split.settled = true;
      continue;
    }
    const event::Cursor cursor = CursorOf(positions, split.id);
    split.acknowledged = cursor;
    if (split.phase != Phase::kUnplaced && split.handed == cursor) continue;
    DropQueued(place);
    Place(split, cursor);
  }
}

void SplitLedger::Acknowledge(const event::Positions& positions) {
  for (auto& [place, split] : splits_) {
    const auto found = positions.find(split.id);
    if (found != positions.end() && split.phase != Phase::kUnnamed) split.acknowledged = found->second;
  }
}

std::vector<CommittedOffset> SplitLedger::TakeAcknowledged() {
  std::vector<CommittedOffset> offsets;
  for (auto& [place, split] : splits_) {
    if (split.acknowledged == split.told) continue;
    split.told = split.acknowledged;
    offsets.push_back({place, event::OffsetOf(split.acknowledged), split.topic_id});
  }
  return offsets;
}

std::vector<SplitLedger::Unconfirmed> SplitLedger::unconfirmed() const {
  std::vector<Unconfirmed> all;
  for (const auto& [topic, brokers] : unconfirmed_) all.push_back({topic.first, topic.second, brokers});
  return all;
}

// ---- how far behind

void SplitLedger::SetEnd(const TopicPartition& place, int64_t end) {
  if (Split* split = Find(place)) split->end = end;
}

std::optional<int64_t> SplitLedger::NextOf(const TopicPartition& place) const {
  const Split* split = Find(place);
  if (split == nullptr || split->next < 0) return std::nullopt;
  return split->next;
}

event::Lag SplitLedger::lag() const {
  event::Lag lag;
  lag.bytes = -1;
  std::map<TopicPartition, const Queued*> first;
  std::map<int32_t, event::PartitionLag> by_number;  // over the topics of a pattern
  for (const auto& queued : queue_) first.try_emplace(queued.place, &queued);
  for (const auto& [place, split] : splits_) {
    const auto queued = first.find(place);
    const bool waits = queued != first.end() && queued->second->batch->size() > 0;
    int64_t next = split.next;
    if (split.handed != event::kStart) {
      next = event::OffsetOf(split.handed);
    } else if (waits) {
      next = queued->second->batch->offset(0);
    }
    auto& mine = by_number[place.partition];
    const int64_t end = std::max(split.end, split.next);
    if (next < 0 || end <= next) continue;
    lag.records += end - next;
    mine.records += end - next;
    const auto at = waits ? queued->second->batch->arrival(0) : split.newest;
    if (at == Timestamp{}) continue;
    lag.oldest = Earlier(lag.oldest, at);
    mine.oldest = Earlier(mine.oldest, at);
  }
  for (auto& [number, partition] : by_number) {
    partition.partition = number;
    lag.partitions.push_back(partition);
  }
  return lag;
}

}  // namespace millrace::stream
