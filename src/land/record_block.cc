#include "land/record_block.h"

namespace millrace::land {
namespace {

constexpr size_t kBlockBytes = size_t{8} << 20;

event::Span Put(std::string_view bytes, std::string& at) {
  const event::Span span{static_cast<uint32_t>(at.size()), static_cast<uint32_t>(bytes.size())};
  at += bytes;
  return span;
}

}  // namespace

void RecordBlock::Append(const event::EventBatch& events, size_t record) {
  if (empty()) {
    batch_.split = events.split;
    batch_.topic = events.topic;
    batch_.partition = events.partition;
    batch_.ingested_at = events.arrival(record);
  }
  batch_.records.push_back(Put(events.record(record), bytes_));
  batch_.keys.push_back(Put(events.key(record), key_bytes_));
  batch_.headers.push_back(Put(events.header_block(record), header_bytes_));
  batch_.offsets.push_back(events.offset(record));
  batch_.timestamps.push_back(events.timestamp(record));
  arrivals_.push_back(events.arrival(record));
}

bool RecordBlock::full() const {
  return bytes_.size() >= kBlockBytes || static_cast<int64_t>(batch_.records.size()) >= records_max_;
}

event::EventBatchPtr RecordBlock::Batch() const {
  auto batch = std::make_shared<event::EventBatch>(batch_);
  batch->payload = PaddedBuffer::CopyOf(bytes_);
  batch->key_payload = PaddedBuffer::CopyOf(key_bytes_);
  batch->header_payload = PaddedBuffer::CopyOf(header_bytes_);
  return batch;
}

}  // namespace millrace::land
