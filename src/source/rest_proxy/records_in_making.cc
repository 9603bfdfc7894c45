#include "source/rest_proxy/records_in_making.h"

#include <fmt/format.h>

#include <utility>

#include "io/http_call.h"

namespace millrace::source {
namespace {

size_t HeaderBytes(const event::HeaderList& headers) {
  size_t bytes = 0;
  for (const auto& [name, value] : headers) bytes += name.size() + value.value_or(std::string()).size();
  return bytes;
}

}  // namespace

void RecordsInMaking::Add(Record record) {
  const auto value = record.value.value_or(std::string());
  const auto key = record.key.value_or(std::string());
  header_bytes_ += HeaderBytes(record.headers);
  const auto bytes = values_.size() + keys_.size() + value.size() + key.size() + header_bytes_;
  if (static_cast<int64_t>(bytes) > bytes_max_) {
    throw io::HttpRefusal(413, fmt::format("the records of the request come to more than {} bytes", bytes_max_));
  }
  newline_free_ = newline_free_ && value.find('\n') == std::string::npos;
  records_.push_back({static_cast<uint32_t>(values_.size()), static_cast<uint32_t>(value.size())});
  key_spans_.push_back({static_cast<uint32_t>(keys_.size()), static_cast<uint32_t>(key.size())});
  (values_ += value) += '\n';
  keys_ += key;
  has_keys_ = has_keys_ || !key.empty();
  if (record.time && times_.empty()) times_.resize(records_.size() - 1);
  if (record.time || !times_.empty()) times_.push_back(record.time);
  const bool detailed = record.partition >= 0 || !record.value;
  if (detailed && details_.empty()) details_.resize(records_.size() - 1);
  if (detailed || !details_.empty()) details_.push_back({record.partition, !record.value});
  for (const auto& [name, header] : record.headers) headers_.Add(name, header);
  headers_.EndRecord();
}

event::AppendRequest RecordsInMaking::Finish(const std::string& topic, Timestamp now) {
  auto batch = std::make_shared<event::EventBatch>();
  batch->payload = PaddedBuffer::CopyOf(values_);
  batch->records = std::move(records_);
  batch->newline_joined = newline_free_;
  if (has_keys_) {
    batch->key_payload = PaddedBuffer::CopyOf(keys_);
    batch->keys = std::move(key_spans_);
  }
  headers_.MoveInto(*batch);
  batch->ingested_at = now;
  for (const auto& time : times_) batch->timestamps.push_back(time.value_or(now));
  event::AppendRequest request{.topic = topic, .events = std::move(batch), .position = {}, .idempotency_key = {}};
  request.details = std::move(details_);
  return request;
}

}  // namespace millrace::source
