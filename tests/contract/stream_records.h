#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "event/event_batch.h"
#include "event/record_headers.h"
#include "event/source.h"

/// Batches to append in tests, and what a reader gives back of them.
namespace millrace::contract {

using Records = std::vector<std::string>;

/// A batch as a source would make it: joined by newlines unless a record holds one.
inline std::shared_ptr<event::EventBatch> MakeBatch(const Records& records, const Records& keys = {}) {
  auto batch = std::make_shared<event::EventBatch>();
  std::string joined;
  batch->newline_joined = true;
  for (const auto& record : records) {
    batch->records.push_back({static_cast<uint32_t>(joined.size()), static_cast<uint32_t>(record.size())});
    batch->newline_joined = batch->newline_joined && record.find('\n') == std::string::npos;
    joined += record + "\n";
  }
  batch->payload = PaddedBuffer::CopyOf(joined);
  std::string key_bytes;
  for (const auto& key : keys) {
    batch->keys.push_back({static_cast<uint32_t>(key_bytes.size()), static_cast<uint32_t>(key.size())});
    key_bytes += key;
  }
  if (!keys.empty()) batch->key_payload = PaddedBuffer::CopyOf(key_bytes);
  batch->ingested_at = *ParseTimestamp("2026-01-02T03:04:05.6Z");
  return batch;
}

/// With headers, one list a record.
inline std::shared_ptr<event::EventBatch> MakeHeaded(const Records& records,
                                                     const std::vector<event::HeaderList>& headers) {
  auto batch = MakeBatch(records);
  event::HeaderCollector collector;
  for (const auto& list : headers) {
    for (const auto& [name, value] : list) collector.Add(name, value);
    collector.EndRecord();
  }
  collector.MoveInto(*batch);
  return batch;
}

inline event::HeaderList HeadersAt(const event::EventBatch& batch, size_t record) {
  event::HeaderList list;
  for (const auto& [name, value] : event::HeadersOf(batch.header_block(record))) list.emplace_back(name, value);
  return list;
}

inline Records Numbered(int first, int count) {
  Records records;
  for (int i = first; i < first + count; ++i) records.push_back("{\"n\":" + std::to_string(i) + "}");
  return records;
}

inline Records RecordsOf(const event::EventBatch& batch) {
  Records records;
  for (size_t i = 0; i < batch.size(); ++i) records.emplace_back(batch.record(i));
  return records;
}

/// Reads until `count` records came or nothing comes for a while; checks on the way that batches of a split follow each
/// other. A reader whose splits change goes on from what it has drained.
struct Drained {
  std::vector<event::EventBatchPtr> batches;
  std::map<int32_t, Records> by_partition;
  event::Positions positions;
  size_t count = 0;
};
inline Drained Drain(event::Source& source, size_t count, size_t bytes_max = size_t{4} << 20,
                     event::Positions from = {}) {
  Drained drained;
  drained.positions = std::move(from);
  int patience = 10;  // a consumer group takes its time
  while (drained.count < count && patience > 0) {
    const auto result = source.Read({.bytes_max = bytes_max, .wait = std::chrono::seconds(2)}, {});
    if (result.state == event::ReadState::kReassigned) source.Seek(drained.positions);
    if (result.state == event::ReadState::kWaiting) --patience;
    if (result.state == event::ReadState::kIdle) break;
    if (result.state != event::ReadState::kBatch) continue;
    const auto& batch = *result.batch;
    const auto before = drained.positions.find(batch.split);
    if (before != drained.positions.end()) {
      EXPECT_EQ(before->second, batch.begin);
    }
    drained.positions[batch.split] = batch.end;
    if (batch.size() == 0) continue;
    for (auto& record : RecordsOf(batch)) drained.by_partition[batch.partition].push_back(std::move(record));
    drained.count += batch.size();
    drained.batches.push_back(result.batch);
  }
  return drained;
}

}  // namespace millrace::contract
